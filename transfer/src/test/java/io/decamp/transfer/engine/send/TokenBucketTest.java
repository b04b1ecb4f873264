package io.decamp.transfer.engine.send;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long RATE = 1_000_000;

    private long now = -5;

    @Test
    void shouldNotWaitWithoutACap() {
        assertEquals(0, new TokenBucket(0, () -> now).take(Long.MAX_VALUE));
    }

    @Test
    void shouldLetABurstThroughAfterARestAndNoMore() {
        TokenBucket bucket = new TokenBucket(RATE, () -> now);
        now += 100 * SECOND;
        assertEquals(0, bucket.take(RATE / 50));
        assertEquals(0, bucket.take(RATE));
        assertEquals(SECOND, bucket.take(1));
    }

    @Test
    void shouldHoldTheRateWhateverTheSizes() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        TokenBucket bucket = new TokenBucket(RATE, () -> now);
        long start = now;
        long sent = 0;
        while (sent < 20 * RATE) {
            int bytes = 1 + random.nextInt(100_000);
            now += bucket.take(bytes);
            sent += bytes;
        }
        double seconds = (now - start) / (double) SECOND;
        assertTrue(seconds > 19.8 && seconds < 20.2, seconds + " s for 20 s of bytes, seed " + seed);
    }
}
