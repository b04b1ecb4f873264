package io.decamp.restorer.engine.handoff;

import java.time.Duration;

/**
 * How long the destination of a hand-off waits.
 *
 * @param offer from snapshot-ready until a copy that was never offered is destroyed, for the memory it takes
 * @param append for one answer of the register
 * @param retry until it tries again what failed
 */
public record DestinationLimits(Duration offer, Duration append, Duration retry) {
    /** An offer follows its snapshot-ready within milliseconds; a source without a register may take a minute. */
    public static final DestinationLimits DEFAULT =
            new DestinationLimits(Duration.ofMinutes(1), Duration.ofSeconds(5), Duration.ofMillis(200));
}
