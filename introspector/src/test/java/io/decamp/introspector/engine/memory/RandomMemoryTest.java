package io.decamp.introspector.engine.memory;

import static io.decamp.introspector.engine.memory.TrackedVictim.ID;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Kernel;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * All events in random order while epochs are scanned, shipped, put off in part, broken, and the service is killed. The
 * seed is printed; {@code -Ddecamp.memory.seed=N} repeats the orders that are given, if not their timing.
 */
class RandomMemoryTest {
    private static final int CYCLES = 6;
    private static final int STIR_MILLIS = 400;

    @Test
    void shouldHoldAnExactReplicaWhateverHappens() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        long seed = Long.getLong("decamp.memory.seed", System.nanoTime() & 0xffffff);
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        try (TrackedVictim tracked = new TrackedVictim()) {
            tracked.victim.tell("fork");
            tracked.track();
            for (int cycle = 0; cycle < CYCLES; cycle++) {
                String whom = cycle % 2 == 0 ? "" : "child 0 ";
                tracked.victim.begin(whom + "stir %d %d", STIR_MILLIS, random.nextInt(1 << 20));
                while (!tracked.victim.answered()) {
                    step(tracked, random);
                }
                tracked.victim.answer();
                tracked.verify();
            }
            assertTrue(tracked.replica.deferredPages() > 0, "nothing was ever deferred");
        }
    }

    private static void step(TrackedVictim tracked, Random random) {
        switch (random.nextInt(14)) {
            case 0 -> {
                tracked.source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
                tracked.source.broken(ID);
            }
            case 1 -> {
                tracked.source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
                tracked.killService();
                tracked.track();
            }
            case 2, 3, 4 ->
                tracked.replica.partialEpoch(tracked.source, ID, ++tracked.epoch, random, () -> tracked.source);
            case 5 -> tracked.replica.partialEpoch(tracked.source, ID, ++tracked.epoch, random, () -> {
                tracked.killService();
                tracked.track();
                return random.nextBoolean() ? tracked.source : null;
            });
            default -> tracked.round();
        }
    }
}
