package io.decamp.snapshotter.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.WireSavings;
import io.decamp.snapshotter.engine.model.CostModel;
import io.decamp.snapshotter.engine.model.Prediction;
import io.decamp.snapshotter.engine.model.SyntheticWriter;
import io.decamp.snapshotter.engine.model.WritePattern;
import org.junit.jupiter.api.Test;

/** What a workload's loop decides after an epoch, and what it tells of it. */
class SteeringTest {
    private static final int PAGES = 16_384;
    private static final long LINK = 118_000_000;
    private static final PageRuns NONE = new PageRuns();

    private final SyntheticWriter writer = new SyntheticWriter(PAGES, WritePattern.uniform(0, PAGES, 2_000), 3);
    private final CostModel costs = new CostModel(null);
    private final Steering steering = new Steering(
            new WorkloadId("pid:7@alpha"),
            Policy.newBuilder().setEvictWithinMicros(400_000).build(),
            new Steering.Shared(costs, new SpareProcessor()));

    private void epochs(int count) {
        for (int i = 0; i < count; i++) {
            boolean first = i == 0 && steering.decision() == null;
            if (!first) {
                writer.run(0.5);
            }
            PageRuns written = writer.scan(NONE);
            steering.model().observed(written, NONE, SyntheticWriter.spaces(), first ? 0 : 500_000);
            long pages = written.totalPages();
            steering.learn(new EpochStats(
                    i + 1,
                    first ? 0 : 500_000,
                    pages,
                    pages,
                    0,
                    pages * PageRuns.PAGE_BYTES,
                    (long) PAGES * PageRuns.PAGE_BYTES,
                    100,
                    5_000,
                    0,
                    1,
                    "all-sent",
                    WireSavings.getDefaultInstance()));
            steering.decide(LINK);
        }
    }

    private PagesDirty told() {
        PagesDirty.Builder event = PagesDirty.newBuilder();
        steering.tell(event, LINK);
        return event.build();
    }

    @Test
    void shouldTellNothingBeforeItHasDecidedAnything() {
        assertEquals(PagesDirty.getDefaultInstance(), told());
        assertNull(steering.predict(Double.POSITIVE_INFINITY, 1, LINK));
    }

    @Test
    void shouldSayThatItLearnsAfterTheFirstEpoch() {
        epochs(1);

        assertEquals(Objective.State.LEARNING, told().getObjective().getState());
        assertFalse(told().hasModel());
    }

    @Test
    void shouldTellObjectiveOverheadPredictionAndModel() {
        epochs(8);

        PagesDirty event = told();
        assertEquals(Objective.State.ATTAINED, event.getObjective().getState());
        assertEquals(400_000, event.getObjective().getEvictWithinMicros());
        assertTrue(event.getPredictedEvictionMicros() > 0 && event.getPredictedEvictionMicros() <= 400_000);
        assertTrue(event.getOverhead() > 0 && event.getOverhead() <= 0.01, event.getOverhead() + "");
        double before = 0;
        for (var point : event.getModel().getWrittenList()) {
            assertTrue(point.getPages() >= before);
            before = point.getPages();
        }
        long pages = event.getModel().getBandsList().stream().mapToLong(b -> b.getPages()).sum();
        assertEquals(PAGES, pages, 50);
        assertEquals(900, event.getModel().getFaultNanos());
    }

    @Test
    void shouldTellHowFarOffPredictionsWere() {
        epochs(8);
        Prediction predicted = steering.predict(Double.POSITIVE_INFINITY, 0.5, LINK);
        EvictionTimes real = predicted.toEvent().toBuilder()
                .setTotalMicros(predicted.totalMicros() * 2)
                .build();

        steering.measured(
                predicted, EvictionMeasured.newBuilder().setReal(real).setDryRun(true).build());

        assertEquals(1, told().getModel().getPredictions());
        assertEquals(0.5, told().getModel().getPredictionError(), 0.01);
    }

    @Test
    void shouldFollowAPolicyThatChanges() {
        epochs(8);

        steering.adopt(Policy.newBuilder().setEvictWithinMicros(1_000).build());
        epochs(1);

        Objective objective = told().getObjective();
        assertEquals(Objective.State.NOT_ATTAINABLE, objective.getState());
        assertTrue(objective.getBestPossibleMicros() > 1_000);
        assertFalse(objective.getReason().isEmpty());
    }
}
