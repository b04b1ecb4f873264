package io.decamp.snapshotter.engine.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import java.util.BitSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the model says of workloads whose writes are known. */
class WriteModelTest {
    private static final long SEED = 20261120;
    private static final int PAGES = 65_536;
    private static final PageRuns NONE = new PageRuns();

    private static WriteModel learned(SyntheticWriter writer, int rounds, double interval) {
        WriteModel model = new WriteModel();
        model.observed(writer.scan(NONE), NONE, SyntheticWriter.spaces(), 0);
        learn(model, writer, rounds, interval);
        return model;
    }

    private static void learn(WriteModel model, SyntheticWriter writer, int rounds, double interval) {
        for (int i = 0; i < rounds; i++) {
            writer.run(interval);
            model.observed(writer.scan(NONE), NONE, SyntheticWriter.spaces(), Math.round(interval * 1e6));
        }
    }

    static Stream<Arguments> patterns() {
        return Stream.of(
                Arguments.of("uniform 20 MB/s", WritePattern.uniform(0, PAGES, 5_000)),
                Arguments.of("uniform 400 MB/s", WritePattern.uniform(0, PAGES, 100_000)),
                Arguments.of("hot half 100 MB/s", WritePattern.uniform(0, PAGES / 2, 25_000)),
                Arguments.of("90/10 in clusters", WritePattern.skewed(PAGES, 0.1, 0.9, 25_000, 64)),
                Arguments.of("90/10 single pages", WritePattern.skewed(PAGES, 0.1, 0.9, 25_000, 1)),
                Arguments.of("99/1 in clusters", WritePattern.skewed(PAGES, 0.01, 0.99, 25_000, 64)),
                Arguments.of("99/1 single pages", WritePattern.skewed(PAGES, 0.01, 0.99, 25_000, 1)),
                Arguments.of("sweep 40 MB/s", WritePattern.sweep(PAGES, 10_000)),
                Arguments.of("growing heap", WritePattern.growing(PAGES, 2_000, WritePattern.uniform(0, PAGES, 1_000))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("patterns")
    void shouldPredictTheWrittenSetForOtherIntervalsThanItLearnedFrom(String name, WritePattern pattern) {
        SyntheticWriter writer = new SyntheticWriter(PAGES, pattern, SEED);

        WriteModel model = learned(writer, Integer.getInteger("rounds", 12), 0.5);

        for (double seconds : new double[] {0.1, 0.25, 0.5, 1, 2, 4}) {
            double truth = writer.truth(seconds);
            double told = model.writtenPages(seconds);
            System.out.printf("%s: D(%.2f) = %.0f, truth %.0f, %+.1f %%%n", name, seconds, told, truth, (told / truth - 1) * 100);
        }
    }

    @Test
    void shouldDigestAScanOfAGibibyteInAFewMilliseconds() {
        int pages = 262_144;
        WriteModel model = new WriteModel();
        PageRuns all = new PageRuns();
        all.add(SyntheticWriter.SPACE, SyntheticWriter.BASE, pages, PageSource.BYTES);
        model.observed(all, NONE, SyntheticWriter.spaces(), 0);
        PageRuns scattered = new PageRuns();
        for (int p = 0; p < pages; p += 4) {
            scattered.add(SyntheticWriter.SPACE, SyntheticWriter.address(p), 1 + p / 4 % 3, PageSource.BYTES);
        }
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 200; i++) {
            long start = System.nanoTime();
            model.observed(scattered, NONE, SyntheticWriter.spaces(), 500_000);
            best = Math.min(best, System.nanoTime() - start);
        }

        System.out.printf("%d runs, %d pages: %.2f ms%n", scattered.size(), scattered.totalPages(), best / 1e6);
        assertTrue(best < 50_000_000, best + " ns");
    }
}
