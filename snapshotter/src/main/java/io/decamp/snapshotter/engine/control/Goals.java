package io.decamp.snapshotter.engine.control;

import io.decamp.contracts.v1.Policy;

/**
 * What a policy asks for, with the defaults where it says nothing.
 *
 * @param evictWithinMicros 0: none
 * @param maxOverhead share of one processor that tracking may take from the workload
 * @param faultsPerSecond write faults that tracking may cause, besides; {@link Double#POSITIVE_INFINITY}: no such bound
 * @param bandwidthBytesPerSecond cap on shipping; 0: none
 * @param shortestSeconds of an interval
 * @param longestSeconds of an interval
 */
public record Goals(
        long evictWithinMicros,
        double maxOverhead,
        double faultsPerSecond,
        long bandwidthBytesPerSecond,
        double shortestSeconds,
        double longestSeconds) {
    /** One in a hundred is what an operator does not notice in a graph. */
    public static final double DEFAULT_OVERHEAD = 0.01;
    /** Of an interval that an objective may ask for: a scan of 1 GiB takes up to 12 ms. */
    public static final double SHORTEST_SECONDS = 0.05;
    /** Nobody waits longer to learn that a workload has changed its ways. */
    public static final double LONGEST_SECONDS = 60;
    /** Without an objective: shorter gains little, and longer surprises whoever evicts. */
    public static final double USUAL_SHORTEST_SECONDS = 0.5;

    public static final double USUAL_LONGEST_SECONDS = 5;

    /** {@code policy} has passed {@link io.decamp.contracts.policy.PolicyRules}. */
    public static Goals of(Policy policy) {
        boolean asked = policy.getEvictWithinMicros() > 0;
        double shortest = asked ? SHORTEST_SECONDS : USUAL_SHORTEST_SECONDS;
        double longest = asked ? LONGEST_SECONDS : USUAL_LONGEST_SECONDS;
        // a bound that is given moves the default of the other
        if (policy.getMinIntervalMicros() > 0) {
            shortest = policy.getMinIntervalMicros() / 1e6;
            longest = Math.max(longest, shortest);
        }
        if (policy.getMaxIntervalMicros() > 0) {
            longest = policy.getMaxIntervalMicros() / 1e6;
            shortest = Math.min(shortest, longest);
        }
        return new Goals(
                policy.getEvictWithinMicros(),
                policy.getMaxOverhead() > 0 ? policy.getMaxOverhead() : DEFAULT_OVERHEAD,
                policy.getWriteFaultsPerSecond() > 0 ? policy.getWriteFaultsPerSecond() : Double.POSITIVE_INFINITY,
                policy.getBandwidthBytesPerSecond(),
                shortest,
                longest);
    }

    public boolean hasObjective() {
        return evictWithinMicros > 0;
    }

    /** The same without any bound on what tracking may take. */
    Goals withoutOverheadBound() {
        return new Goals(
                evictWithinMicros,
                Double.POSITIVE_INFINITY,
                Double.POSITIVE_INFINITY,
                bandwidthBytesPerSecond,
                shortestSeconds,
                longestSeconds);
    }

    /** The same without a cap on shipping. */
    Goals withoutBandwidthCap() {
        return new Goals(evictWithinMicros, maxOverhead, faultsPerSecond, 0, shortestSeconds, longestSeconds);
    }
}
