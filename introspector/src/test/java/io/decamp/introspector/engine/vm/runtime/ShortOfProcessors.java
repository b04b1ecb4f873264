package io.decamp.introspector.engine.vm.runtime;

import io.decamp.linux.abi.ProcessAbi;
import io.decamp.linux.pid.PidFd;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/**
 * A VM that gets a processor of its host for moments only, as on a crowded one: its guest stands still most of the
 * time, wherever it is, also in the middle of what takes it a microsecond.
 */
final class ShortOfProcessors implements AutoCloseable {
    private static final Duration STANDS = Duration.ofMillis(30);
    private static final Duration RUNS = Duration.ofMillis(1);

    private final PidFd qemu;
    private final ExecutorService scheduler = Executors.newSingleThreadExecutor();
    private volatile int stops;
    private volatile boolean over;

    ShortOfProcessors(long qemuPid) {
        qemu = PidFd.open(Math.toIntExact(qemuPid));
        scheduler.execute(this::schedule);
    }

    private void schedule() {
        try {
            while (!over) {
                qemu.signal(ProcessAbi.SIGSTOP);
                LockSupport.parkNanos(STANDS.toNanos());
                stops++;
                qemu.signal(ProcessAbi.SIGCONT);
                LockSupport.parkNanos(RUNS.toNanos());
            }
        } finally {
            qemu.signal(ProcessAbi.SIGCONT);
        }
    }

    /** How often it stood still until now. */
    int stops() {
        return stops;
    }

    @Override
    public void close() {
        over = true;
        scheduler.close();
        qemu.close();
    }
}
