package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;

/**
 * Coldest first, as {@link Microwiper}, in rounds so short that nearly nothing of what is found written again was
 * written before it was sent: continuous draining in the order of the model. What is hottest goes last, or with the
 * final delta.
 */
final class Combined implements PropagationPolicy {
    /** A scan of 1 GiB takes 5 to 10 ms: a few per cent of it, and the link works meanwhile. */
    static final long ROUND_NANOS = 100_000_000;
    /** On a slow link a round takes this share of the time that all that is owed would. */
    private static final int ROUNDS_AHEAD = 100;

    @Override
    public String name() {
        return "combined";
    }

    @Override
    public RoundPlan plan(PageSet owed, View view) {
        if (!view.rates().known()) {
            return Microwiper.learning(owed, view);
        }
        long link = Math.max(view.linkBytesPerSecond(), 1);
        double owedNanos = view.linkBytesPerSecond() <= 0 ? 0 : owed.size() * (double) PageRuns.PAGE_BYTES * 1e9 / link;
        long round = Math.max(ROUND_NANOS, Math.round(owedNanos / ROUNDS_AHEAD));
        RoundPlan ordered = new Microwiper().plan(owed, view);
        return new RoundPlan(ordered.send(), ordered.end(), Microwiper.atLeast(round, view));
    }
}
