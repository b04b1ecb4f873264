package io.decamp.snapshotter.engine;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;

/**
 * Predicts how long an eviction would take if it were asked for now. Coarse on purpose: one more round of what is written
 * in an interval, a freeze that grows with the memory criu walks, and a fixed part. The model that learns is a later
 * replacement behind the same method.
 */
final class EvictionEstimate {
    /** Start of criu, hand-off, restore and the end of the source: docs/specification.md, P2. */
    private static final long FIXED_MICROS = 250_000;
    /** runc sets up namespaces, mounts and cgroups besides, at both ends. */
    private static final long RUNC_MICROS = 250_000;
    /** criu's walk of the page tables and pipes: about 75 ms a GiB. */
    private static final double FREEZE_MICROS_PER_BYTE = 75_000.0 / (1 << 30);
    /** Until an epoch was large enough to measure. */
    private static final double ASSUMED_BYTES_PER_SECOND = 200e6;

    private final long fixedMicros;
    private double bytesPerSecond = ASSUMED_BYTES_PER_SECOND;

    EvictionEstimate(WorkloadId workload) {
        fixedMicros = FIXED_MICROS + (workload.kind().equals("runc") ? RUNC_MICROS : 0);
    }

    long predictMicros(EpochStats last, long intervalMicros) {
        if (last.bytesPerSecond() > 0) {
            bytesPerSecond = last.bytesPerSecond();
        }
        double pages = last.pagesPerSecond() * intervalMicros / 1e6;
        double lastRound = pages * PageRuns.PAGE_BYTES * 1e6 / bytesPerSecond;
        return Math.round(fixedMicros + lastRound + last.trackedBytes() * FREEZE_MICROS_PER_BYTE);
    }
}
