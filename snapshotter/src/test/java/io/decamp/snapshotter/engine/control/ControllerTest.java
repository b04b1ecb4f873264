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

    private static Goals goals(long withinMicros, double overhead) {
        return Goals.of(Policy.newBuilder()
                .setEvictWithinMicros(withinMicros)
                .setMaxOverhead(overhead)
                .build());
    }

    private static double overheadBetween(ClosedLoop loop, SyntheticWriter writer, double from, double to) {
        loop.until(from, false);
        long before = writer.faults();
        double start = writer.now();
        loop.until(to, true);
        return (writer.faults() - before) * 900e-9 / (writer.now() - start);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("patterns")
    void shouldKeepTheOverheadBoundAndAttainTheObjectiveOrRefuseItTruthfully(String name, WritePattern pattern) {
        for (long within : new long[] {0, 500_000}) {
            for (double overhead : new double[] {0.01, 0.03}) {
                SyntheticWriter writer = new SyntheticWriter(PAGES, pattern, SEED);
                ClosedLoop loop = new ClosedLoop(writer, goals(within, overhead), GIGABIT, SEED);

                double taken = overheadBetween(loop, writer, 15, 75);

                Objective said = loop.last().objective();
                System.out.printf(
                        "%-18s within %3d ms at %.0f %%: %.2f %% taken, interval %.2f s, %d tries, %.0f %% inside,"
                                + " median error %.1f %%, %s%n",
                        name,
                        within / 1000,
                        overhead * 100,
                        taken * 100,
                        loop.last().intervalSeconds(),
                        loop.tries.size(),
                        100 * loop.shareWithin(within),
                        100 * loop.medianError(),
                        said.getState());
                assertTrue(taken <= overhead + 0.001, name + ": " + taken);
                assertTrue(loop.medianError() <= 0.15, name + ": prediction error " + loop.medianError());
                if (within > 0 && said.getState() == Objective.State.ATTAINED) {
                    assertTrue(loop.shareWithin(within) >= 0.9, name + ": inside " + loop.shareWithin(within));
                } else if (within > 0) {
                    assertEquals(Objective.State.NOT_ATTAINABLE, said.getState(), name);
                    assertTrue(said.getBestPossibleMicros() > within, name);
                    assertTrue(loop.shareWithin(within) < 0.9, name + ": refused what is attained");
                }
            }
        }
    }

    @Test
    void shouldSayThatTheOverheadStandsInTheWayAndKeepItsBound() {
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES / 2, 25_000), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(500_000, 0.01), GIGABIT, SEED);

        double taken = overheadBetween(loop, writer, 15, 45);

        Objective said = loop.last().objective();
        assertEquals(Objective.State.NOT_ATTAINABLE, said.getState());
        assertEquals("overhead", said.getLimitedBy());
        assertTrue(said.getReason().startsWith("500 ms is not attainable: best possible is "), said.getReason());
        assertTrue(taken <= 0.011, "taken " + taken);
    }

    @Test
    void shouldSayThatTheLinkStandsInTheWay() {
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES, 5_000), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(500_000, 0.05), GIGABIT / 10, SEED);

        loop.until(30, false);

        Objective said = loop.last().objective();
        assertEquals(Objective.State.NOT_ATTAINABLE, said.getState());
        assertEquals("bandwidth", said.getLimitedBy());
        assertTrue(said.getReason().contains("11.8 MB/s"), said.getReason());
    }

    @Test
    void shouldSayThatTheFreezeAloneTakesLonger() {
        SyntheticWriter writer = new SyntheticWriter(PAGES * 4, WritePattern.idle(), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(150_000, 0.05), GIGABIT, SEED);

        loop.until(10, false);

        Objective said = loop.last().objective();
        assertEquals(Objective.State.NOT_ATTAINABLE, said.getState());
        assertEquals("freeze", said.getLimitedBy());
        assertTrue(said.getReason().contains("because freezing 1.00 GiB alone takes 120 ms"), said.getReason());
    }

    @Test
    void shouldSayThatTheOverheadBoundContradictsTheLongestInterval() {
        Goals contradiction = Goals.of(Policy.newBuilder()
                .setEvictWithinMicros(60_000_000)
                .setMaxOverhead(0.0001)
                .setMaxIntervalMicros(100_000)
                .build());
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.idle(), SEED);
        ClosedLoop loop = new ClosedLoop(writer, contradiction, GIGABIT, SEED);

        loop.until(5, false);

        Objective said = loop.last().objective();
        assertEquals(Objective.State.NOT_ATTAINABLE, said.getState());
        assertEquals("overhead", said.getLimitedBy());
        assertEquals(0.1, loop.last().intervalSeconds(), 1e-6);
    }

    @Test
    void shouldUseALinkThatDropsToATenthWithTheNextDecision() {
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES, 2_000), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(600_000, 0.02), GIGABIT, SEED);
        loop.until(20, false);
        assertEquals(Objective.State.ATTAINED, loop.last().objective().getState());
        double before = loop.last().intervalSeconds();

        loop.link(GIGABIT / 10);
        loop.until(20.1 + before, false);

        double after = loop.last().intervalSeconds();
        assertTrue(after < before / 2, "from " + before + " to " + after);
        loop.tries.clear();
        loop.until(50, true);
        assertEquals(Objective.State.ATTAINED, loop.last().objective().getState());
        assertTrue(loop.shareWithin(600_000) >= 0.95);
    }

    @Test
    void shouldPredictABoundedEvictionForAWriterThatNeverConverges() {
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES, 2_000_000), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(0, 0.01), GIGABIT, SEED);

        loop.until(20, false);

        long wholeMemory = PAGES * 4096L * 1_000_000 / GIGABIT;
        long predicted = loop.last().prediction().totalMicros();
        assertTrue(predicted > wholeMemory && predicted < 4 * wholeMemory, predicted + " us");
        assertEquals("no-gain", loop.last().prediction().convergedBy());
    }

    @Test
    void shouldCapShippingAtTheBandwidthOfThePolicy() {
        Goals capped = Goals.of(
                Policy.newBuilder().setBandwidthBytesPerSecond(10_000_000).build());
        SyntheticWriter writer =
                new SyntheticWriter(PAGES, WritePattern.skewed(PAGES, 0.1, 0.9, 25_000, 64), SEED);
        ClosedLoop loop = new ClosedLoop(writer, capped, 10_000_000, SEED);

        loop.until(30, false);

        loop.decisions.stream()
                .skip(5)
                .forEach(d -> assertTrue(d.bytesPerSecond() <= 10_600_000, d.bytesPerSecond() + " B/s"));
    }

    @Test
    void shouldNotJitter() {
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES, 5_000), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(500_000, 0.02), GIGABIT, SEED);

        loop.until(90, false);

        long changes = 0;
        for (int i = 11; i < loop.decisions.size(); i++) {
            changes += loop.decisions.get(i).intervalSeconds() == loop.decisions.get(i - 1).intervalSeconds() ? 0 : 1;
        }
        assertTrue(changes <= 2, changes + " changes in " + loop.decisions.size() + " decisions");
    }

    @Test
    void shouldUseTheUsualIntervalWhileNothingIsKnown() {
        SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.idle(), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(500_000, 0.02), GIGABIT, SEED);

        loop.until(0.1, false);

        assertEquals(0.5, loop.last().intervalSeconds());
        assertEquals(Objective.State.LEARNING, loop.last().objective().getState());
        assertEquals(Double.POSITIVE_INFINITY, loop.last().openAbove());
    }

    @Test
    void shouldStayBetweenTheIntervalsOfThePolicy() {
        Goals narrow = Goals.of(Policy.newBuilder()
                .setMinIntervalMicros(200_000)
                .setMaxIntervalMicros(300_000)
                .build());
        for (double rate : new double[] {0, 5_000, 2_000_000}) {
            SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES, rate), SEED);
            ClosedLoop loop = new ClosedLoop(writer, narrow, GIGABIT, SEED);

            loop.until(5, false);

            loop.decisions.forEach(d -> assertTrue(
                    d.intervalSeconds() >= 0.2 - 1e-9 && d.intervalSeconds() <= 0.3 + 1e-9,
                    () -> d.intervalSeconds() + " s"));
        }
    }

    @Test
    void shouldDecideThousandsOfTimesASecond() {
        SyntheticWriter writer =
                new SyntheticWriter(PAGES, WritePattern.skewed(PAGES, 0.1, 0.9, 25_000, 1), SEED);
        ClosedLoop loop = new ClosedLoop(writer, goals(500_000, 0.01), GIGABIT, SEED);
        loop.until(20, false);
        Controller controller = new Controller(goals(500_000, 0.01));
        Situation now = new Situation(loop.curve(), 20, loop.costs(), true, 0);
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 300; i++) {
            long start = System.nanoTime();
            controller.decide(now);
            best = Math.min(best, System.nanoTime() - start);
        }

        System.out.printf("a decision takes %.0f us%n", best / 1e3);
        assertTrue(best < 20_000_000, best + " ns");
    }
}
