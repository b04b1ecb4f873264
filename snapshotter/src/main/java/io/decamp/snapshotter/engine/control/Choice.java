package io.decamp.snapshotter.engine.control;

import io.decamp.contracts.page.PageRuns;
import io.decamp.snapshotter.engine.model.Costs;
import io.decamp.snapshotter.engine.model.EvictionModel;
import io.decamp.snapshotter.engine.model.Prediction;
import io.decamp.snapshotter.engine.model.WriteCurve;

/** One interval and open threshold, and what they would cost. Predicts an eviction only when asked to. */
final class Choice {
    /** Of the overhead that is allowed, for probing pages that are taken for hot. */
    private static final double PROBE_SHARE = 0.1;
    /** Of the pages that are open, at most so many are probed in a round. */
    private static final double PROBE_ONE_OF = 16;
    /** A request comes at any moment of an interval; nearly all come before this share of it. */
    private static final double LATE = 0.95;

    private final Situation now;
    /** From one scan to the next. */
    final double seconds;
    /** Writes in an interval above which a page is open. */
    final double openAtWrites;

    final double openAbove;
    final double probePages;
    final double faultsPerSecond;
    final double overhead;
    final double bytesPerSecond;
    private final double shippingSeconds;
    private Prediction prediction;

    Choice(Situation now, Goals goals, double seconds, double openAtWrites) {
        this.now = now;
        this.seconds = seconds;
        this.openAtWrites = openAtWrites;
        this.openAbove = openAtWrites / seconds;
        WriteCurve curve = now.curve();
        Costs costs = now.costs();
        double faultSeconds = costs.faultNanos() / 1e9;
        double budget = PROBE_SHARE * Math.min(goals.maxOverhead() / faultSeconds, goals.faultsPerSecond()) * seconds;
        probePages = Math.min(curve.pagesAbove(openAbove) / PROBE_ONE_OF, budget);
        double found = curve.found(seconds, openAbove);
        double shipped = found + curve.born(seconds);
        double shippedBytes = shipped * PageRuns.PAGE_BYTES;
        faultsPerSecond = (found + probePages) / seconds;
        double scanning = costs.scanMicros() / 1e6 / seconds;
        double copying = now.processorIdle() ? 0 : shippedBytes / costs.readBytesPerSecond() / seconds;
        overhead = faultsPerSecond * faultSeconds + scanning + copying;
        bytesPerSecond = shippedBytes * costs.wireShare() / seconds;
        shippingSeconds =
                (costs.scanMicros() + costs.roundMicros()) / 1e6 + shippedBytes / costs.shippedBytesPerSecond();
    }

    boolean keepsBounds(Goals goals, double slack) {
        return keepsOverhead(goals, slack) && keepsBandwidth(goals, slack);
    }

    boolean keepsOverhead(Goals goals, double slack) {
        return overhead <= goals.maxOverhead() * slack && faultsPerSecond <= goals.faultsPerSecond() * slack;
    }

    /** What is found must leave before the next scan, and within the cap. */
    boolean keepsBandwidth(Goals goals, double slack) {
        boolean capped =
                goals.bandwidthBytesPerSecond() > 0 && bytesPerSecond > goals.bandwidthBytesPerSecond() * slack;
        return !capped && shippingSeconds <= seconds * slack;
    }

    /** Of an eviction asked for when nearly the whole interval has passed. */
    Prediction prediction() {
        if (prediction == null) {
            prediction = EvictionModel.predict(
                    now.curve(), openAbove, LATE * Math.max(seconds, shippingSeconds), 0, now.costs());
        }
        return prediction;
    }

    long evictionMicros() {
        return prediction().totalMicros();
    }
}
