package io.decamp.cli;

import io.decamp.contracts.policy.PolicyRules;
import io.decamp.contracts.v1.Policy;
import java.time.Duration;
import picocli.CommandLine.Option;

/** What an operator wants of a protection, in the terms people think in. Each may be left out. */
final class PolicyOptions {
    @Option(
            names = "--evict-within",
            paramLabel = "TIME",
            description = "keep the predicted eviction time below this, such as 300ms, at the least cost"
                    + " (default: as short as the overhead allows)")
    private String evictWithin;

    @Option(
            names = "--max-overhead",
            paramLabel = "SHARE",
            description = "share of one processor that tracking may take from the workload, such as 2%% (default: 1%%)")
    private String maxOverhead;

    @Option(
            names = "--bandwidth",
            paramLabel = "RATE",
            description = "cap on shipping, such as 1Gbit/s or 50MB/s (default: none)")
    private String bandwidth;

    @Option(names = "--min-interval", paramLabel = "TIME", description = "lower bound between epochs")
    private String minInterval;

    @Option(names = "--max-interval", paramLabel = "TIME", description = "upper bound between epochs")
    private String maxInterval;

    @Option(
            names = "--priority",
            paramLabel = "NUMBER",
            description = "in an evacuation that can't save all, higher goes first (default: ${DEFAULT-VALUE})")
    private int priority;

    /** @throws io.decamp.contracts.error.DecampException {@code bad-quantity}, {@code bad-policy} */
    Policy policy() {
        Policy.Builder policy = Policy.newBuilder().setPriority(priority);
        if (evictWithin != null) {
            policy.setEvictWithinMicros(micros(evictWithin));
        }
        if (maxOverhead != null) {
            policy.setMaxOverhead(Quantity.share(maxOverhead));
        }
        if (bandwidth != null) {
            policy.setBandwidthBytesPerSecond(Quantity.bytesPerSecond(bandwidth));
        }
        if (minInterval != null) {
            policy.setMinIntervalMicros(micros(minInterval));
        }
        if (maxInterval != null) {
            policy.setMaxIntervalMicros(micros(maxInterval));
        }
        return PolicyRules.require(policy.build());
    }

    private static long micros(String text) {
        Duration time = Quantity.time(text);
        return Math.max(1, time.toNanos() / 1000);
    }
}
