package io.decamp.introspector.engine.vm.freeze;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.freeze.GuestFreezer.Frozen;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestImage;
import io.decamp.testkit.vm.GuestSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Many freezes and thaws of two processes with 14 threads that make system calls all the time, while both processors
 * of the guest are busy. {@code -Ddecamp.freeze.cycles=1000} for the long run; by default what fits into 30 s by TCG.
 */
class GuestFreezerStressTest {
    private static final int CYCLES = Integer.getInteger("decamp.freeze.cycles", 100);
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path state;

    @BeforeAll
    static void requireGuests() {
        Host.requireGuests();
    }

    @ParameterizedTest
    @EnumSource(GuestImage.Kernel.class)
    void shouldFreezeAndThawManyTimesWithoutTheWorkloadOrTheKernelNoticing(GuestImage.Kernel kernel) {
        String name = "frost-" + kernel.name().toLowerCase(Locale.ROOT);
        try (FreezableGuest guest = new FreezableGuest(GuestSpec.named(name).withKernel(kernel), state)) {
            Supplier<List<KernelObject>> workload = guest.start("threads");
            guest.load();
            long[] freezeMicros = new long[CYCLES];
            long[] pausedMicros = new long[CYCLES];
            long[] thawMicros = new long[CYCLES];
            Await.until("both processes to begin", LIMIT, () -> guest.counters(workload).size() == 2);
            List<long[]> start = guest.counters(workload);
            Await.until("both processes to go on", LIMIT, () -> bothWentOn(start, guest.counters(workload)));
            List<long[]> last = start;
            for (int i = 0; i < CYCLES; i++) {
                Frozen frozen = guest.freezer.freeze(workload, LIMIT);
                assertEquals(FreezeState.FROZEN, guest.freezer.state(workload), "cycle " + i);
                assertEquals(2, frozen.processes());
                assertEquals(16, frozen.threads());
                List<long[]> now = guest.counters(workload);
                assertTrue(bothWentOn(last, now), "cycle " + i + ": no progress since the one before");
                last = guest.counters(workload);
                assertTrue(Arrays.deepEquals(now.toArray(), last.toArray()), "cycle " + i + ": ran while frozen");
                long begin = System.nanoTime();
                guest.freezer.thaw(workload, LIMIT);
                thawMicros[i] = (System.nanoTime() - begin) / 1000;
                freezeMicros[i] = frozen.took().toNanos() / 1000;
                pausedMicros[i] = frozen.paused().toNanos() / 1000;
                List<long[]> before = last;
                Await.until("both processes to go on", LIMIT, () -> bothWentOn(before, guest.counters(workload)));
            }
            assertEquals(FreezeState.NONE, guest.freezer.state(workload));
            guest.calm();
            requireProgressOfAll(guest, workload);
            assertEquals("", guest.warnings());
            System.out.printf(
                    "%s, %d cycles: freeze %s, of it paused %s, thaw %s; %d words written%n",
                    guest.kernel.release(),
                    CYCLES,
                    percentiles(freezeMicros),
                    percentiles(pausedMicros),
                    percentiles(thawMicros),
                    guest.freezer.writes());
        }
    }

    private static boolean bothWentOn(List<long[]> before, List<long[]> now) {
        return Arrays.stream(new int[] {0, 1}).noneMatch(p -> Arrays.equals(before.get(p), now.get(p)));
    }

    private static void requireProgressOfAll(FreezableGuest guest, Supplier<List<KernelObject>> workload) {
        List<long[]> before = guest.counters(workload);
        Await.until("each thread of both processes to go on", LIMIT, () -> {
            List<long[]> now = guest.counters(workload);
            for (int process = 0; process < 2; process++) {
                for (int counter = 0; counter < 7; counter++) {
                    if (now.get(process)[counter] <= before.get(process)[counter]) {
                        return false;
                    }
                }
            }
            return true;
        });
        guest.counters(workload).forEach(c -> assertEquals(0, c[FreezableGuest.ERRORS], "calls that went wrong"));
    }

    private static String percentiles(long[] micros) {
        Arrays.sort(micros);
        return String.format(
                "p50 %.1f p95 %.1f p99 %.1f max %.1f ms",
                at(micros, 0.5), at(micros, 0.95), at(micros, 0.99), micros[micros.length - 1] / 1e3);
    }

    private static double at(long[] sorted, double part) {
        return sorted[(int) (part * (sorted.length - 1))] / 1e3;
    }
}
