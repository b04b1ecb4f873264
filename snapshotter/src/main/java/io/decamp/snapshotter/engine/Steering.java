package io.decamp.snapshotter.engine;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.Objective;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.RateBand;
import io.decamp.contracts.v1.WrittenPoint;
import io.decamp.snapshotter.engine.control.Controller;
import io.decamp.snapshotter.engine.control.Decision;
import io.decamp.snapshotter.engine.control.Goals;
import io.decamp.snapshotter.engine.control.Situation;
import io.decamp.snapshotter.engine.model.CostModel;
import io.decamp.snapshotter.engine.model.Costs;
import io.decamp.snapshotter.engine.model.EpochCosts;
import io.decamp.snapshotter.engine.model.EvictionModel;
import io.decamp.snapshotter.engine.model.Prediction;
import io.decamp.snapshotter.engine.model.WriteCurve;
import io.decamp.snapshotter.engine.model.WriteModel;
import org.jboss.logging.Logger;

/**
 * What was learned of one workload, what is decided from it, and how both are told. Outlives connections to a standby.
 * Used by the workload's loop only.
 */
final class Steering {
    private static final Logger LOG = Logger.getLogger(Steering.class);
    /** The curve is told at these times, in microseconds. */
    private static final long[] POINTS = {
        50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 60_000_000
    };

    /** What all workloads of a node share. */
    record Shared(CostModel costs, SpareProcessor spare) {}

    private final WorkloadId workload;
    private final Shared shared;
    private final WriteModel model = new WriteModel();
    private final EpochCosts epochs = new EpochCosts();
    private final Controller controller;
    private Decision decision;
    private WriteCurve curve = WriteCurve.NONE;
    private Objective.State said = Objective.State.STATE_UNSPECIFIED;
    private long trackedBytes;

    Steering(WorkloadId workload, Policy policy, Shared shared) {
        this.workload = workload;
        this.shared = shared;
        this.controller = new Controller(Goals.of(policy));
    }

    WriteModel model() {
        return model;
    }

    void adopt(Policy policy) {
        controller.adopt(Goals.of(policy));
    }

    /** After the last epoch; null when there was none. */
    Decision decision() {
        return decision;
    }

    /** An epoch was sealed. */
    void learn(EpochStats stats) {
        trackedBytes = stats.trackedBytes();
        epochs.learn(
                stats.trackedBytes(),
                stats.pagesWritten() - stats.pagesHeld(),
                stats.wireBytes(),
                stats.rounds(),
                stats.scanMicros(),
                stats.shipMicros());
        curve = model.curve();
    }

    /** @param linkBytesPerSecond what the link gives; 0: nobody knows */
    Decision decide(long linkBytesPerSecond) {
        decision = controller.decide(new Situation(
                curve,
                model.scansLearned(),
                costs(linkBytesPerSecond),
                shared.spare().isIdle(),
                shared.costs().predictionErrorMostly()));
        Objective objective = decision.objective();
        if (objective.getState() != said) {
            said = objective.getState();
            LOG.infof(
                    "%s: objective %s; scanned every %d ms at %.2f %% overhead, an eviction would take %d ms%s",
                    workload,
                    said,
                    decision.intervalMicros() / 1000,
                    decision.overhead() * 100,
                    decision.prediction().totalMicros() / 1000,
                    objective.getReason().isEmpty() ? "" : ": " + objective.getReason());
        }
        return decision;
    }

    private Costs costs(long linkBytesPerSecond) {
        return shared.costs().costs(workload.kind(), trackedBytes, epochs, linkBytesPerSecond);
    }

    /**
     * What an eviction would take that starts now.
     *
     * @param openAbove with which the last scan was made
     * @param secondsSinceScan since then
     * @return null when nothing was learned
     */
    Prediction predict(double openAbove, double secondsSinceScan, long linkBytesPerSecond) {
        return trackedBytes == 0
                ? null
                : EvictionModel.predict(curve, openAbove, secondsSinceScan, 0, costs(linkBytesPerSecond));
    }

    /** An eviction or a dry run has ended; {@code predicted} when it started, null when nothing was known then. */
    void measured(Prediction predicted, EvictionMeasured measured) {
        if (predicted != null) {
            shared.costs().evicted(
                    workload.kind(), trackedBytes, predicted, measured.getReal(), measured.getDryRun());
        }
    }

    /** Adds what was decided last, and why. */
    void tell(PagesDirty.Builder event, long linkBytesPerSecond) {
        if (decision == null) {
            return;
        }
        event.setPredictedEvictionMicros(decision.prediction().totalMicros())
                .setOverhead(decision.overhead())
                .setObjective(decision.objective());
        if (model.known()) {
            event.setModel(learned(costs(linkBytesPerSecond)));
        }
    }

    private io.decamp.contracts.v1.WriteModel learned(Costs costs) {
        var told = io.decamp.contracts.v1.WriteModel.newBuilder()
                .setFaultNanos(costs.faultNanos())
                .setScanNanosPerPage(epochs.scanNanosPerPage())
                .setReadBytesPerSecond(Math.round(costs.readBytesPerSecond()))
                .setFreezeMicros(Math.round(costs.freezeMicros()))
                .setHandOffMicros(Math.round(costs.handOffMicros()))
                .setPredictionError(shared.costs().predictionError())
                .setPredictions(shared.costs().predictions());
        for (long micros : POINTS) {
            told.addWritten(WrittenPoint.newBuilder().setMicros(micros).setPages(curve.written(micros / 1e6)));
        }
        for (int i = 0; i < curve.groups(); i++) {
            told.addBands(RateBand.newBuilder()
                    .setWritesPerSecond(curve.rate(i))
                    .setPages(Math.round(curve.pages(i))));
        }
        return told.build();
    }
}
