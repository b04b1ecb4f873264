package io.decamp.snapshotter.engine;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Whether copying and sending find a processor that nobody else wants. One for all workloads; thread safe. */
final class SpareProcessor {
    /** The load is looked at no more often: it is a mean since the last look. */
    private static final long LOOK_NANOS = 1_000_000_000;
    /** Kept of the load with each look, so that one busy second does not swing decisions. */
    private static final double KEEP = 0.8;

    private final OperatingSystemMXBean machine =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private long lookedNanos = System.nanoTime() - LOOK_NANOS;
    private double load;

    synchronized boolean isIdle() {
        if (machine == null) {
            return true;
        }
        long now = System.nanoTime();
        if (now - lookedNanos >= LOOK_NANOS) {
            lookedNanos = now;
            // negative: the kernel does not tell
            load = load * KEEP + Math.max(0, machine.getCpuLoad()) * (1 - KEEP);
        }
        return (1 - load) * machine.getAvailableProcessors() >= 1;
    }
}
