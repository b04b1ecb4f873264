package io.decamp.snapshotter.engine.control;

import java.util.function.Predicate;

/**
 * Goes through intervals and open thresholds. For a given number of writes at which pages are left open, overhead and
 * bandwidth bound the interval from below and the objective bounds it from above, so that either end is found by
 * halving.
 */
final class Search {
    /** Intervals that are looked at are that far apart. */
    private static final double STEP = 1.25;
    /**
     * Writes in an interval above which a page is left open, from what is always right (nineteen of twenty such pages
     * are dirty again anyway) to leaving open nearly all that is ever written.
     */
    private static final double[] OPEN_AT_WRITES = {3, 1.5, 0.7, 0.3, 0.1, 0.02};

    /** Within that a change of phase is noticed, if that costs no more than a share of the overhead that is allowed. */
    private static final double WATCH_SECONDS = 1;

    private static final double WATCH_SHARE = 0.25;

    /** More open pages must make an eviction at least that much faster: what is open is not known as well. */
    private static final double WORTH_OPENING = 0.9;

    private final Situation now;
    private final Goals goals;
    private final int intervals;

    Search(Situation now, Goals goals) {
        this.now = now;
        this.goals = goals;
        double span = goals.longestSeconds() / goals.shortestSeconds();
        intervals = 1 + (int) Math.ceil(Math.log(span) / Math.log(STEP) - 1e-9);
    }

    Choice at(double seconds, double openAtWrites) {
        return new Choice(now, goals, seconds, openAtWrites);
    }

    private Choice at(int interval, double openAtWrites) {
        double seconds = goals.shortestSeconds() * Math.pow(STEP, interval);
        return at(Math.min(seconds, goals.longestSeconds()), openAtWrites);
    }

    /** The longest interval that keeps the bounds and meets the objective. @return null when there is none */
    Choice cheapest(Predicate<Choice> meetsObjective) {
        Choice best = null;
        for (double writes : OPEN_AT_WRITES) {
            int low = shortestInBounds(writes);
            if (low < intervals && meetsObjective.test(at(low, writes))) {
                int high = intervals;
                while (high - low > 1) {
                    int middle = (low + high) / 2;
                    if (meetsObjective.test(at(middle, writes))) {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                Choice longest = at(low, writes);
                best = best == null || longest.seconds > best.seconds ? longest : best;
            }
        }
        return best;
    }

    /**
     * As {@code cheapest}, but at shorter intervals while these cost next to nothing: a workload that changes its
     * ways is noticed before it has written much.
     */
    Choice watchful(Choice cheapest) {
        for (double s = Math.max(goals.shortestSeconds(), WATCH_SECONDS); s < cheapest.seconds; s *= STEP) {
            Choice c = at(s, cheapest.openAtWrites);
            if (c.overhead <= goals.maxOverhead() * WATCH_SHARE && c.keepsBandwidth(goals, 1)) {
                return c;
            }
        }
        return cheapest;
    }

    /**
     * The shortest interval that keeps the bounds, with as few open pages as can be. @return null when there is none
     */
    Choice shortest() {
        int low = shortestInBounds(OPEN_AT_WRITES[0]);
        return low < intervals ? at(low, OPEN_AT_WRITES[0]) : null;
    }

    /** The fastest eviction inside the bounds; when nothing keeps them, what takes least from the workload. */
    Choice fastest() {
        Choice best = null;
        for (double writes : OPEN_AT_WRITES) {
            int low = shortestInBounds(writes);
            if (low < intervals) {
                Choice c = at(low, writes);
                best = best == null || c.evictionMicros() < best.evictionMicros() * WORTH_OPENING ? c : best;
            }
        }
        return best != null ? best : leastOverhead();
    }

    private Choice leastOverhead() {
        Choice best = null;
        for (double writes : OPEN_AT_WRITES) {
            Choice c = at(intervals - 1, writes);
            best = best == null || c.overhead < best.overhead ? c : best;
        }
        return best;
    }

    /** Overhead and bytes a second fall with the interval, because hot pages saturate. */
    private int shortestInBounds(double writes) {
        int low = -1;
        int high = intervals;
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (at(middle, writes).keepsBounds(goals, 1)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }
}
