package io.decamp.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.testkit.WritePattern;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BenchFiguresTest {
    private static final PropagationRun.Load HOT =
            new PropagationRun.Load(PropagationReport.HOT_HALF, WritePattern.HOT_HALF, 0.8);
    private static final PropagationRun.Load SKEW =
            new PropagationRun.Load(PropagationReport.SKEW, WritePattern.SKEW, 0.8);

    @Test
    void shouldReadALinkAsTcAndAsPeopleWriteIt() {
        assertEquals(new LinkRate("1gbit", 125_000_000), LinkRate.of("1gbit"));
        assertEquals(new LinkRate("100mbit", 12_500_000), LinkRate.of("100Mbit/s"));
        assertEquals(24_414, LinkRate.of("1gbit").pagesPerSecond(0.8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "fast", "1g", "0gbit", "100MB/s"})
    void shouldRefuseALinkThatIsNoRate(String text) {
        assertThrows(DecampException.class, () -> LinkRate.of(text));
    }

    @Test
    void shouldMeetATargetAtItsBoundAndNeverWithoutAFigure() {
        assertTrue(Target.atMost("x", 2, 2, " %", "").met());
        assertFalse(Target.atMost("x", 2.01, 2, " %", "").met());
        assertTrue(Target.atLeast("x", 95, 95, " %", "").met());
        assertFalse(Target.atMost("x", Double.NaN, 2, " %", "").met());
        assertFalse(Target.atLeast("x", Double.NaN, 2, " %", "").met());
    }

    @Test
    void shouldJudgeOrdersByTheMediansOfTheirRuns() {
        List<PropagationRun> runs = new ArrayList<>();
        for (long again : new long[] {100, 80, 1000}) {
            runs.add(move(PropagationReport.ADDRESS, again, 400));
        }
        runs.add(move(PropagationReport.MICROWIPER, 49, 240));
        runs.add(move(PropagationReport.COMBINED, 48, 230));
        runs.add(guarded(PropagationReport.ADDRESS, 400));
        runs.add(guarded(PropagationReport.COMBINED, 110));

        List<Target> targets = new PropagationReport(runs, 1 << 30, LinkRate.of("1gbit")).targets();

        assertEquals(List.of(0.49, 0.6, 48 / 49.0, 230 / 240.0, 0.275), targets.stream().map(Target::value).toList());
        assertEquals(List.of(true, false, true, true, false), targets.stream().map(Target::met).toList());
        assertTrue(targets.getLast().note().contains("0.79"), targets.getLast().note());
    }

    @Test
    void shouldCountARequestThatFailedAsOutsideTheObjective() {
        List<ObjectiveFigures.Sample> samples = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            samples.add(new ObjectiveFigures.Sample(i, measured(100_000, 110_000), ""));
        }
        samples.add(new ObjectiveFigures.Sample(9, null, "no-answer"));

        ObjectiveFigures figures = new ObjectiveFigures(110, samples);

        assertEquals(0.9, figures.shareInside());
        assertEquals(10 / 110.0, figures.medianError(), 1e-9);
        assertEquals(10 / 60.0, figures.medianErrorOfWhatWasDone(), 1e-9);
        assertEquals(110, figures.realMillis(90));
        assertEquals(Double.POSITIVE_INFINITY, figures.realMillis(95));
    }

    @Test
    void shouldReadRoundsOfOneWorkloadFromALogThatRunsPastMidnight(@TempDir Path directory) throws IOException {
        Path log = directory.resolve("node.log");
        Files.write(log, List.of(
                "23:59:59.900 INFO  [MoveReport] pid:7@alpha: round 1 sent 512 pages and ended by rewriting; 9 wait",
                "23:59:59.950 INFO  [MoveReport] pid:8@alpha: round 1 sent 1 pages and ended by time; 0 wait",
                "00:00:00.400 INFO  [MoveReport] pid:7@alpha: round 2 sent 9 pages and ended by all-sent; 0 wait",
                "00:00:00.500 INFO  [Other] something else"));
        Instant requested = LocalDate.of(2026, 1, 1).atTime(23, 59, 59).atZone(ZoneId.systemDefault()).toInstant();

        List<PropagationRun.Round> rounds = RoundLog.of(log, new WorkloadId("pid:7@alpha"), requested);

        assertEquals(
                List.of(
                        new PropagationRun.Round(1, 0.9, 512, "rewriting"),
                        new PropagationRun.Round(2, 1.4, 9, "all-sent")),
                rounds);
    }

    @Test
    void shouldKnowHowManyPagesWritesMustHit() {
        PropagationRun.Load sweep = new PropagationRun.Load("sweep", WritePattern.SWEEP, 1);

        assertEquals(100, sweep.distinct(1000, 100));
        assertEquals(500, HOT.distinct(1000, 1e6), 1e-6);
        assertEquals(500 * (1 - Math.exp(-1)), HOT.distinct(1000, 500), 1e-9);
        assertEquals(10 + 1000 * (1 - Math.exp(-1)), SKEW.distinct(1000, 100_000), 1e-6);
    }

    private static EvictionMeasured measured(long predicted, long real) {
        return EvictionMeasured.newBuilder()
                .setPredicted(EvictionTimes.newBuilder().setTotalMicros(predicted).setHandOffMicros(50_000))
                .setReal(EvictionTimes.newBuilder().setTotalMicros(real).setHandOffMicros(50_000))
                .build();
    }

    private static PropagationRun.Move move(String policy, long again, double downtime) {
        return new PropagationRun.Move(
                policy, HOT, 1, 262_144, again, 0, 10_000, downtime, 5, "small-enough", List.of(), true);
    }

    private static PropagationRun.Guarded guarded(String policy, long later) {
        return new PropagationRun.Guarded(policy, SKEW, 1, 1000, later, 0, 0, 0, 60, 60, 100, 50, true);
    }
}
