package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.id.WorkloadId;
import java.time.Duration;

/**
 * How long the source of a hand-off waits.
 *
 * @param take from OFFER until it publishes ABORT: a workload is frozen for that long when its destination is silent; six
 *     times that for one in a VM
 * @param append for one answer of the register; a record without answer counts as sent
 * @param retry until it tries again what failed
 */
public record HandoffLimits(Duration take, Duration append, Duration retry) {
    /**
     * An eager restore takes 0.6 s per GiB: ten seconds let 8 GiB through with room, and are less than most timeouts.
     */
    public static final HandoffLimits DEFAULT =
            new HandoffLimits(Duration.ofSeconds(10), Duration.ofSeconds(5), Duration.ofMillis(200));

    /** A guest whose processor is translated, or shared with others, restores that much slower than a host. */
    private static final int VM_FACTOR = 6;

    /** From OFFER until ABORT, for this workload. */
    Duration take(WorkloadId workload) {
        return workload.vm().isPresent() ? take.multipliedBy(VM_FACTOR) : take;
    }
}
