package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;
import io.decamp.snapshotter.engine.model.WriteRates;

/**
 * When, after a request, the workload is frozen: what is owed then goes while criu captures the state. The same for
 * every order of propagation and every workload; ends in bounded time and bytes whatever the workload writes. One
 * object a move.
 */
public final class StopRule {
    /** 4 MiB take about 10 ms to read, send and apply: less than another round would save. */
    public static final long SMALL_PAGES = 1024;
    /** What goes in this time is sent while criu captures the state, which takes as long for a GiB. */
    public static final long SMALL_MICROS = 100_000;
    /** Another round is made below that too, when it leaves at most this share of what is owed. */
    public static final double WORTH_ANOTHER = 0.25;
    /** Limit of what is sent after the request, in sizes of the memory: the network is not ours alone. */
    public static final int SENT_LIMIT_FACTOR = 2;
    /** Sending as much as the whole memory must leave at most this share of what was owed. */
    public static final double GAIN = 0.7;
    /**
     * Or, when the model says that a full round would leave at least this share, sending so many times what is owed
     * must: a writer that the link does not keep up with is not waited for.
     */
    public static final double HOPELESS = 0.95;

    public static final int HOPELESS_FACTOR = 2;
    /** Of rounds, should each send next to nothing: more than the limit of what is sent allows on any link in use. */
    public static final int ROUNDS_LIMIT = 10_000;

    /** Why no further round is made. */
    public enum Reason {
        SMALL_ENOUGH("small-enough"),
        NO_GAIN("no-gain"),
        SENT_LIMIT("sent-limit"),
        ROUNDS_LIMIT("rounds-limit"),
        DEADLINE("deadline");

        private final String label;

        Reason(String label) {
            this.label = label;
        }

        /** As in {@code evictions}. */
        public String label() {
            return label;
        }
    }

    private final long deadlineNanos;
    private long markOwed = Long.MAX_VALUE;
    private long markSent;

    /** @param deadlineNanos on the clock of {@link RoundPort#nanos}; {@link Long#MAX_VALUE}: none */
    public StopRule(long deadlineNanos) {
        this.deadlineNanos = deadlineNanos;
    }

    /**
     * Asked after each scan, before anything of it is sent.
     *
     * @param owedPages that the destination does not have as they are now
     * @param sentPages since the request
     * @param trackedPages size of the workload's memory
     * @param rounds since the request
     * @return null: another round
     */
    public Reason check(
            long owedPages, long sentPages, long trackedPages, int rounds, long link, WriteRates rates, long nowNanos) {
        double seconds = link <= 0 ? 0 : owedPages * (double) PageRuns.PAGE_BYTES / link;
        double left = rates.known() && seconds > 0 ? rates.writtenPages(seconds) : 0;
        boolean worthAnother = rates.known() && left <= owedPages * WORTH_ANOTHER;
        if (owedPages <= SMALL_PAGES || link > 0 && seconds * 1e6 <= SMALL_MICROS && !worthAnother) {
            return Reason.SMALL_ENOUGH;
        }
        if (nowNanos >= deadlineNanos) {
            return Reason.DEADLINE;
        }
        if (sentPages >= SENT_LIMIT_FACTOR * Math.max(trackedPages, SMALL_PAGES)) {
            return Reason.SENT_LIMIT;
        }
        if (rounds >= ROUNDS_LIMIT) {
            return Reason.ROUNDS_LIMIT;
        }
        if (owedPages <= markOwed * GAIN) {
            markOwed = owedPages;
            markSent = sentPages;
            return null;
        }
        long inVain = sentPages - markSent;
        boolean hopeless = left >= owedPages * HOPELESS && inVain >= HOPELESS_FACTOR * owedPages;
        return hopeless || inVain >= Math.max(trackedPages, SMALL_PAGES) ? Reason.NO_GAIN : null;
    }
}
