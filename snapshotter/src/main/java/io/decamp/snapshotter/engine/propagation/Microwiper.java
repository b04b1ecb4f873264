package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;

/**
 * Microwiper's ordered propagation (Du et al., ICPP 2010): coldest first, and the next scan starts at once when the
 * accumulated rewriting rate of what the round has sent exceeds a share of the bandwidth. What is hotter waits, dirty,
 * at no cost; what has been sent is soon protected again. Runs that are always beyond go with the final delta.
 *
 * <p>The order and the link must be known before they are worth anything: until they are, rounds are short.
 */
final class Microwiper implements PropagationPolicy {
    /**
     * Of the link, that pages which were sent in a round may be written again with before it ends. With the whole of
     * it, a hot set that takes less than the link would never end a round, and order alone gains little: what is
     * written between a scan and its own sending is sent once more in vain, and near the end the link has little to
     * spare for that.
     */
    static final double SHARE = 0.02;

    /** Until rates and link are known. Long enough for the hot pages to show, and too short to send many of them. */
    static final long LEARNING_NANOS = 100_000_000;
    /** Shorter rounds would leave the link idle between them. */
    private static final long LEAST_NANOS = 50_000_000;
    /** A round is so much longer than its scan and plan, which a processor is busy with. */
    private static final int OVERHEAD_FACTOR = 5;

    @Override
    public String name() {
        return "microwiper";
    }

    @Override
    public RoundPlan plan(PageSet owed, View view) {
        if (!view.rates().known()) {
            return learning(owed, view);
        }
        if (view.linkBytesPerSecond() <= 0) {
            PageRuns all = RateOrder.of(owed, view.rates()).all();
            return new RoundPlan(all, RoundEnd.ALL_SENT, atLeast(LEARNING_NANOS, view));
        }
        double linkPages = (double) view.linkBytesPerSecond() / PageRuns.PAGE_BYTES;
        double limit = SHARE * linkPages;
        long least = Math.round(linkPages * atLeast(LEAST_NANOS, view) / 1e9);
        PageRuns send = RateOrder.of(owed, view.rates()).coldest(limit, least);
        RoundEnd end = send.totalPages() == owed.size() ? RoundEnd.ALL_SENT : RoundEnd.REWRITING;
        return new RoundPlan(send, end, Long.MAX_VALUE);
    }

    static RoundPlan learning(PageSet owed, View view) {
        return new RoundPlan(owed.toRuns(), RoundEnd.ALL_SENT, atLeast(LEARNING_NANOS, view));
    }

    static long atLeast(long nanos, View view) {
        return Math.max(nanos, OVERHEAD_FACTOR * view.overheadNanos());
    }
}
