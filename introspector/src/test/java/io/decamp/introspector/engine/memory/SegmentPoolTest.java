package io.decamp.introspector.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentPoolTest {
    @TempDir
    Path directory;

    @Test
    void shouldReuseAFileThatWasGivenBack() {
        try (SegmentPool pool = new SegmentPool(directory, 2, Duration.ZERO)) {
            SegmentPool.Lease first = pool.take();
            first.close();
            assertEquals(first.file(), pool.take().file());
        }
    }

    @Test
    void shouldNotLetASecondCloseTakeAnothersFile() {
        try (SegmentPool pool = new SegmentPool(directory, 2, Duration.ZERO)) {
            SegmentPool.Lease first = pool.take();
            first.close();
            SegmentPool.Lease second = pool.take();
            first.close();
            assertNotEquals(second.file(), pool.take().file());
        }
    }

    @Test
    void shouldSayWhenAllAreOut() {
        try (SegmentPool pool = new SegmentPool(directory, 1, Duration.ofMillis(5))) {
            pool.take();
            assertEquals(
                    "segments-exhausted",
                    assertThrows(DecampException.class, pool::take).code());
        }
    }

    @Test
    void shouldHandASegmentToWhoeverWaits() {
        try (SegmentPool pool = new SegmentPool(directory, 1, Duration.ofSeconds(20))) {
            SegmentPool.Lease first = pool.take();
            CompletableFuture<SegmentPool.Lease> waiting = CompletableFuture.supplyAsync(pool::take);
            first.close();
            assertEquals(first.file(), waiting.join().file());
        }
    }

    @Test
    void shouldClearAwayWhatAKilledServiceLeft() {
        SegmentPool.Lease left = new SegmentPool(directory, 1, Duration.ZERO).take();
        new SegmentPool(directory, 1, Duration.ZERO).close();
        assertFalse(Files.exists(left.file()));
    }
}
