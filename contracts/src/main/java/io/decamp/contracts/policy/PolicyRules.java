package io.decamp.contracts.policy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Policy;

/** What a policy must satisfy before anybody acts on it, wherever it comes from. */
public final class PolicyRules {
    private PolicyRules() {}

    /**
     * Returns the same policy.
     *
     * @throws DecampException {@code bad-policy}, naming the field
     */
    public static Policy require(Policy policy) {
        requireNotNegative("min_interval_micros", policy.getMinIntervalMicros());
        requireNotNegative("max_interval_micros", policy.getMaxIntervalMicros());
        requireNotNegative("write_faults_per_second", policy.getWriteFaultsPerSecond());
        requireNotNegative("bandwidth_bytes_per_second", policy.getBandwidthBytesPerSecond());
        requireNotNegative("evict_within_micros", policy.getEvictWithinMicros());
        double overhead = policy.getMaxOverhead();
        if (!(overhead >= 0 && overhead <= 1)) {
            throw bad("max_overhead is " + overhead, "Give a share of one processor, 0 (the default) to 1");
        }
        if (policy.getMaxIntervalMicros() > 0 && policy.getMinIntervalMicros() > policy.getMaxIntervalMicros()) {
            throw bad(
                    "The shortest interval, " + policy.getMinIntervalMicros() + " us, is longer than the longest, "
                            + policy.getMaxIntervalMicros() + " us",
                    "Swap them, or leave one out");
        }
        return policy;
    }

    private static void requireNotNegative(String field, long value) {
        if (value < 0) {
            throw bad(field + " is " + value, "Give a positive number, or 0 for the default");
        }
    }

    private static DecampException bad(String what, String advice) {
        return DecampException.refused("bad-policy", what, advice);
    }
}
