package io.decamp.snapshotter.engine;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Whether copying and sending find a processor that nobody else wants. One for all workloads; thread safe. */
final class SpareProcessor {
    /** The load is looked at no more often: it is a mean since the last look. */
    private static final long LOOK_NANOS = 1_000_000_000;

    private final OperatingSystemMXBean machine =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private long lookedNanos = System.nanoTime() - LOOK_NANOS;
    private boolean idle = true;

    synchronized boolean isIdle() {
        long now = System.nanoTime();
        if (machine != null && now - lookedNanos >= LOOK_NANOS) {
            lookedNanos = now;
            double load = machine.getCpuLoad();
            // negative: the kernel does not tell
            idle = load < 0 || (1 - load) * machine.getAvailableProcessors() >= 1;
        }
        return idle;
    }
}
