package io.decamp.snapshotter.engine;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoneRequestsTest {
    @TempDir
    Path directory;

    @Test
    void shouldKnowAfterARestartWhatIsDone() {
        new DoneRequests(directory).add("m1");

        DoneRequests again = new DoneRequests(directory);

        assertTrue(again.contains("m1"));
        assertFalse(again.contains("m2"));
    }

    @Test
    void shouldForgetTheOldestBeyondItsLimit() throws IOException {
        DoneRequests done = new DoneRequests(directory);

        for (int i = 0; i < 5 * DoneRequests.LIMIT; i++) {
            done.add("m" + i);
        }

        DoneRequests again = new DoneRequests(directory);
        assertFalse(again.contains("m" + 3 * DoneRequests.LIMIT));
        assertTrue(again.contains("m" + (4 * DoneRequests.LIMIT)));
        assertTrue(again.contains("m" + (5 * DoneRequests.LIMIT - 1)));
        assertTrue(Files.readAllLines(directory.resolve("requests-done")).size() <= 2 * DoneRequests.LIMIT + 1);
    }
}
