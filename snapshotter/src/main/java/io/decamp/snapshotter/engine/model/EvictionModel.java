package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.PageRuns;
import io.decamp.snapshotter.engine.propagation.StopRule;

/**
 * Predicts an eviction by going through what it would do, with expected numbers of pages: rounds, coldest pages first,
 * until the same rule that ends real ones says so; the rest sent while the state is captured; final delta; hand-off.
 */
public final class EvictionModel {
    /** Of sending, before it is looked at again: about as real rounds do. */
    private static final double ROUND_SECONDS = 0.25;
    /** Rounds of a prediction: what takes longer is gone through in longer steps. */
    private static final double MOST_ROUNDS = 40;

    private EvictionModel() {}

    /**
     * @param openAbove pages written more often a second are left unprotected between scans, and owed for that
     * @param secondsSinceScan time for which the workload has written since its pages were protected
     * @param owedPages reported by scans and not sent, beside open ones
     */
    public static Prediction predict(
            WriteCurve curve, double openAbove, double secondsSinceScan, double owedPages, Costs costs) {
        Drain drain = new Drain(curve, openAbove, secondsSinceScan, owedPages);
        double bytesPerSecond = Math.max(1, costs.shippedBytesPerSecond());
        double pagesPerSecond = bytesPerSecond / PageRuns.PAGE_BYTES;
        long tracked = Math.max(Math.round(curve.totalPages()), costs.trackedBytes() / PageRuns.PAGE_BYTES);
        StopRule rule = new StopRule(Long.MAX_VALUE);
        double step = Math.max(ROUND_SECONDS, drain.owed() / pagesPerSecond / MOST_ROUNDS);
        double seconds = costs.scanMicros() / 1e6;
        double sent = 0;
        int rounds = 0;
        StopRule.Reason stop;
        while (true) {
            stop = rule.check(
                    Math.round(drain.owed()),
                    Math.round(sent),
                    tracked,
                    rounds,
                    Math.round(bytesPerSecond),
                    drain,
                    Math.round(seconds * 1e9));
            if (stop != null) {
                break;
            }
            rounds++;
            double sending = Math.min(step, drain.owed() / pagesPerSecond);
            sent += drain.send(sending * pagesPerSecond);
            double took = sending + (costs.scanMicros() + (rounds == 1 ? 0 : costs.roundMicros() / 4)) / 1e6;
            drain.write(took);
            seconds += took;
        }
        double sealing = rounds == 0 ? 0 : costs.roundMicros();
        double sendingMicros = seconds * 1e6 + sealing;
        double overlapped = costs.scanMicros() + costs.roundMicros() + drain.owed() / pagesPerSecond * 1e6;
        double freeze = Math.max(costs.freezeMicros(), overlapped);
        double held = freeze + costs.finalDeltaMicros() + costs.handOffMicros();
        return new Prediction(
                Math.round(costs.fixedRoundsMicros() + sendingMicros),
                Math.round(sendingMicros),
                Math.round(freeze),
                Math.round(costs.finalDeltaMicros()),
                Math.round(costs.handOffMicros()),
                Math.round(held * costs.downtimeShare()),
                Math.round(overlapped),
                stop.label());
    }
}
