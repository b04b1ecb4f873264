package io.decamp.transfer.engine.encode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class SentBasesTest {
    private final MemorySegment page = Arena.global().allocate(4096);

    private MemorySegment page(long content) {
        page.set(ValueLayout.JAVA_LONG, 0, content);
        return page;
    }

    private static long content(SentBases bases, int slot) {
        return bases.memory(slot).get(ValueLayout.JAVA_LONG, bases.offset(slot));
    }

    @Test
    void shouldKeepTheContentOfAsManyPagesAsFit() {
        try (SentBases bases = new SentBases(4 << 20)) {
            int kept = 0;
            for (long i = 0; i < 1024; i++) {
                bases.add(1, i, 1, page(i + 100), 0);
            }
            for (long i = 0; i < 1024; i++) {
                int slot = bases.find(1, i);
                if (slot != SentBases.NONE) {
                    assertEquals(i + 100, content(bases, slot));
                    kept++;
                }
            }
            assertEquals(bases.used(), kept);
            assertTrue(kept > 800, kept + " of 1024");
        }
    }

    @Test
    void shouldNotLetASweepDriveOutWhatIsRewrittenAgainAndAgain() {
        try (SentBases bases = new SentBases(1 << 20)) {
            for (int epoch = 1; epoch <= 4; epoch++) {
                for (long hot = 0; hot < 64; hot++) {
                    int slot = bases.find(1, hot);
                    if (slot == SentBases.NONE) {
                        bases.add(1, hot, epoch, page(hot), 0);
                    } else {
                        bases.replace(slot, epoch, page(hot), 0);
                    }
                }
            }
            for (long cold = 1000; cold < 2000; cold++) {
                bases.add(1, cold, 5, page(cold), 0);
            }
            int kept = 0;
            for (long hot = 0; hot < 64; hot++) {
                kept += bases.find(1, hot) == SentBases.NONE ? 0 : 1;
            }
            assertTrue(kept >= 56, kept + " of 64 hot pages");
        }
    }

    @Test
    void shouldLetWhatIsNoLongerRewrittenGoInTheEnd() {
        try (SentBases bases = new SentBases(32 << 10)) {
            for (long old = 0; old < 8; old++) {
                bases.add(1, old, 1, page(old), 0);
                bases.replace(bases.find(1, old), 2, page(old), 0);
            }
            for (int i = 0; i < 1000; i++) {
                bases.add(1, 100 + i % 8, 3, page(i), 0);
            }
            int kept = 0;
            for (long old = 0; old < 8; old++) {
                kept += bases.find(1, old) == SentBases.NONE ? 0 : 1;
            }
            assertNotEquals(8, kept);
        }
    }

    @Test
    void shouldUseMemoryAgainAfterForgettingAll() {
        try (SentBases bases = new SentBases(1 << 20)) {
            for (int round = 0; round < 5; round++) {
                for (long i = 0; i < 256; i++) {
                    bases.add(1, i, 1, page(i + round), 0);
                }
                assertEquals(7 + round, content(bases, bases.find(1, 7)));
                bases.forgetAll();
                assertEquals(0, bases.used());
            }
        }
    }

    @Test
    void shouldKeepNothingWithoutMemory() {
        try (SentBases bases = new SentBases(0)) {
            assertFalse(bases.add(1, 1, 1, page(1), 0));
            assertEquals(SentBases.NONE, bases.find(1, 1));
            bases.forget(1, 0, 100);
            bases.forgetAll();
        }
    }
}
