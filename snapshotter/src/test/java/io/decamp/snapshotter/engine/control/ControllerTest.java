package io.decamp.snapshotter.engine.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.Policy;
import io.decamp.snapshotter.engine.model.SyntheticWriter;
import io.decamp.snapshotter.engine.model.WritePattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The controller in a closed loop with workloads whose writes are known. */
class ControllerTest {
    private static final long SEED = 20261120;
    private static final int PAGES = 65_536;
    private static final long GIGABIT = 118_000_000;

    static Stream<Arguments> patterns() {
        return Stream.of(
                Arguments.of("idle", WritePattern.idle()),
                Arguments.of("uniform 20 MB/s", WritePattern.uniform(0, PAGES, 5_000)),
                Arguments.of("uniform 400 MB/s", WritePattern.uniform(0, PAGES, 100_000)),
                Arguments.of("unpaced", WritePattern.uniform(0, PAGES, 2_000_000)),
                Arguments.of("hot half 100 MB/s", WritePattern.uniform(0, PAGES / 2, 25_000)),
                Arguments.of("90/10 in clusters", WritePattern.skewed(PAGES, 0.1, 0.9, 25_000, 64)),
                Arguments.of("90/10 single pages", WritePattern.skewed(PAGES, 0.1, 0.9, 25_000, 1)),
                Arguments.of("99/1 in clusters", WritePattern.skewed(PAGES, 0.01, 0.99, 25_000, 64)),
                Arguments.of("99/1 single pages", WritePattern.skewed(PAGES, 0.01, 0.99, 25_000, 1)),
                Arguments.of("sweep 40 MB/s", WritePattern.sweep(PAGES, 10_000)),
                Arguments.of("growing heap", WritePattern.growing(PAGES, 500, WritePattern.uniform(0, PAGES, 1_000))),
                Arguments.of("phases of 20 s", phases()));
    }

    private static WritePattern phases() {
        return WritePattern.phases(
                20,
                WritePattern.idle(),
                WritePattern.uniform(0, PAGES, 5_000),
                WritePattern.skewed(PAGES, 0.01, 0.99, 25_000, 64),
                WritePattern.sweep(PAGES, 10_000));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("patterns")
    void shouldKeepTheOverheadBound(String name, WritePattern pattern) {
        for (long within : new long[] {0, 500_000}) {
            for (double overhead : new double[] {0.01, 0.03}) {
                Goals goals = Goals.of(Policy.newBuilder()
                        .setEvictWithinMicros(within)
                        .setMaxOverhead(overhead)
                        .build());
                SyntheticWriter writer = new SyntheticWriter(PAGES, pattern, SEED);
                ClosedLoop loop = new ClosedLoop(writer, goals, GIGABIT, SEED);
                loop.until(15, false);
                long before = writer.faults();
                double from = writer.now();
                loop.until(75, true);
                double took = (writer.faults() - before) * 900e-9 / (writer.now() - from);
                System.out.printf(
                        "%-18s within %3d ms at %.0f %%: %.2f %% taken, interval %.2f s, open %d, tries %d, inside %.0f %%, error %.0f %%, %s %s%n",
                        name,
                        within / 1000,
                        overhead * 100,
                        took * 100,
                        loop.last().intervalSeconds(),
                        loop.last().probePages(),
                        loop.tries.size(),
                        100 * loop.shareWithin(within),
                        100 * loop.medianError(),
                        loop.last().objective().getState(),
                        loop.last().objective().getReason());
            }
        }
    }
}
