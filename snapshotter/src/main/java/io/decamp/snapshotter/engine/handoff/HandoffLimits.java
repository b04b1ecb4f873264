package io.decamp.snapshotter.engine.handoff;

import java.time.Duration;

/**
 * How long the source of a hand-off waits.
 *
 * @param take from OFFER until it publishes ABORT: a workload is frozen for that long when its destination is silent
 * @param append for one answer of the register; a record without answer counts as sent
 * @param retry until it tries again what failed
 */
public record HandoffLimits(Duration take, Duration append, Duration retry) {
    /**
     * An eager restore takes 0.6 s per GiB: ten seconds let 8 GiB through with room, and are less than most timeouts.
     */
    public static final HandoffLimits DEFAULT =
            new HandoffLimits(Duration.ofSeconds(10), Duration.ofSeconds(5), Duration.ofMillis(200));
}
