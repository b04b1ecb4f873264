package io.decamp.introspector.engine.vm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageFramesTest {
    private static final long[] ONE = {1, 2, 3};

    @TempDir
    Path directory;

    @Test
    void shouldDropWhatItHoldsOfAnotherAddressSpace() {
        Path file = directory.resolve("frames");
        try (PageFrames first = PageFrames.open(file, 8, ONE)) {
            first.set(first.slotFor(5), 7, 100, 3);
        }
        try (PageFrames again = PageFrames.open(file, 8, ONE)) {
            assertEquals(100, again.frame(again.slot(5), 7));
        }
        try (PageFrames other = PageFrames.open(file, 8, new long[] {1, 2, 4})) {
            assertEquals(-1, other.slot(5));
        }
        assertFalse(PageFrames.isKept(file, ONE));
    }

    @Test
    void shouldBeginAnewOverAFileThatNeverGotItsSize() throws IOException {
        Path file = Files.createFile(directory.resolve("frames"));

        assertFalse(PageFrames.isKept(file, ONE));
        PageFrames.open(file, 8, ONE).close();

        assertTrue(PageFrames.isKept(file, ONE));
    }
}
