package io.decamp.transfer.engine.encode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SentVersionsTest {
    private static final int PAGE = 4096;

    private final MemorySegment content = Arena.global().allocate(PAGE);
    private SentVersions versions;

    @BeforeEach
    void sealOneEpoch() {
        versions = new SentVersions(1, 1 << 20);
        versions.connected(1);
    }

    @AfterEach
    void close() {
        versions.close();
    }

    @Test
    void shouldKnowWhatTheEpochUnderWayHasSent() {
        assertEquals(SentHashes.UNKNOWN, versions.exchange(1, 5, 77));
        assertEquals(77, versions.exchange(1, 5, 77));
    }

    @Test
    void shouldForgetTheHashesOfAnEpochThatWasNotSealed() {
        versions.exchange(1, 5, 77);
        versions.sealed(2, any -> true);
        versions.exchange(1, 5, 78);
        versions.exchange(1, 6, 79);

        versions.broken();

        assertEquals(SentHashes.UNKNOWN, versions.exchange(1, 5, 77));
        assertEquals(SentHashes.UNKNOWN, versions.exchange(1, 6, 79));
    }

    @Test
    void shouldRememberASealedEpochOverABreak() {
        versions.exchange(1, 5, 77);
        versions.sealed(2, any -> true);

        versions.broken();
        versions.connected(2);

        assertEquals(77, versions.exchange(1, 5, 77));
    }

    @Test
    void shouldForgetEverythingWhenTheDestinationHasSealedSomethingElse() {
        versions.exchange(1, 5, 77);
        versions.keep(1, 5, 2, content, 0);
        versions.sealed(2, any -> true);

        versions.connected(3);

        assertEquals(SentHashes.UNKNOWN, versions.exchange(1, 5, 77));
        assertEquals(SentBases.NONE, versions.base(1, 5));
    }

    @Test
    void shouldBuildOnSealedVersionsOnly() {
        versions.keep(1, 5, 2, content, 0);
        assertEquals(SentBases.NONE, versions.base(1, 5));

        versions.sealed(2, any -> true);
        assertNotEquals(SentBases.NONE, versions.base(1, 5));

        versions.keep(1, 5, 3, content, 0);
        assertEquals(SentBases.NONE, versions.base(1, 5));
    }

    @Test
    void shouldNotTakeAVersionOfABrokenEpochForThatOfTheSecondAttempt() {
        versions.keep(1, 5, 2, content, 0);
        versions.broken();

        // the second attempt at epoch 2 does without the page
        versions.sealed(2, any -> true);

        assertEquals(SentBases.NONE, versions.base(1, 5));
    }

    @Test
    void shouldForgetRunsThatBecomeSomethingElse() {
        for (long page = 0; page < 300; page++) {
            versions.exchange(1, page, page + 1);
            versions.keep(1, page, 2, content, 0);
        }
        versions.sealed(2, any -> true);

        versions.forget(1, 100 * PAGE, 1);
        versions.forget(1, 200L * PAGE, Integer.MAX_VALUE);

        for (long page = 0; page < 300; page++) {
            boolean gone = page == 100 || page >= 200;
            assertEquals(gone ? SentHashes.UNKNOWN : page + 1, versions.exchange(1, page, page + 1), "page " + page);
            assertTrue(!gone || versions.base(1, page) == SentBases.NONE, "page " + page);
        }
    }

    @Test
    void shouldForgetSpacesThatHaveEndedAndUseTheirMemoryAgain() {
        for (int generation = 0; generation < 50; generation++) {
            long space = generation + 1;
            for (long page = 0; page < 10_000; page++) {
                assertEquals(SentHashes.UNKNOWN, versions.exchange(space, page, page + 1));
            }
            versions.sealed(generation + 2, alive -> alive == space);
            assertEquals(5001, versions.exchange(space, 5000, 5001));
            versions.sealed(generation + 3, alive -> false);
        }
    }

    @Test
    void shouldSendWholePagesAfterTheDestinationHadOthers() {
        versions.keep(1, 5, 2, content, 0);
        versions.sealed(2, any -> true);

        versions.distrust();

        assertFalse(versions.areBasesTrusted());
        assertEquals(SentBases.NONE, versions.base(1, 5));
    }

    @Test
    void shouldLeavePagesUnknownWhenTheTableIsFull() {
        try (SentHashes small = new SentHashes(3 * 512)) {
            for (int chunk = 0; chunk < 3; chunk++) {
                small.set(small.entry(1, chunk * 64L), 9);
            }
            assertEquals(-1, small.entry(1, 3 * 64));
            assertEquals(9, small.get(small.entry(1, 64)));
        }
    }

    @Test
    void shouldHoldWhatAMapHolds() {
        long seed = Long.getLong("decamp.seed", System.nanoTime());
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Map<Long, Long> model = new HashMap<>();
        try (SentHashes table = new SentHashes(1 << 20)) {
            for (int i = 0; i < 100_000; i++) {
                long space = 1 + random.nextInt(5);
                long page = random.nextInt(3) == 0 ? random.nextInt(40_000) : random.nextInt(500);
                switch (random.nextInt(20)) {
                    case 0 -> {
                        int count = 1 + random.nextInt(200);
                        table.forget(space, page, count);
                        for (long p = page; p < page + count; p++) {
                            model.remove(space << 32 | p);
                        }
                    }
                    case 1 -> {
                        if (random.nextInt(200) == 0) {
                            table.retain(s -> s != space);
                            model.keySet().removeIf(key -> key >> 32 == space);
                        }
                    }
                    default -> {
                        long entry = table.entry(space, page);
                        if (entry >= 0) {
                            assertEquals(model.getOrDefault(space << 32 | page, 0L), table.get(entry), "seed " + seed);
                            table.set(entry, i + 1);
                            model.put(space << 32 | page, (long) i + 1);
                        }
                    }
                }
            }
        }
    }
}
