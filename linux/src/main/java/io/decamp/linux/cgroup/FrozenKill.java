package io.decamp.linux.cgroup;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.pid.PidFd;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Ends every process of a cgroup without letting one of them execute an instruction. */
public final class FrozenKill {
    private static final long SIGKILL = 9;

    private FrozenKill() {}

    /**
     * Kills while frozen, runs {@code beforeThaw} (which ends whoever traces them), thaws, and waits until all are
     * dead.
     * When a service dies in the middle, the same call ends it.
     *
     * @throws DecampException {@code kill-timeout}
     */
    public static void all(FreezerCgroup cgroup, Duration limit, Runnable beforeThaw) {
        if (!cgroup.exists()) {
            beforeThaw.run();
            return;
        }
        cgroup.freeze(limit);
        List<PidFd> killed = new ArrayList<>();
        try {
            for (int pid : cgroup.processes()) {
                PidFd.find(pid).ifPresent(process -> {
                    killed.add(process);
                    process.signal(SIGKILL);
                });
            }
            beforeThaw.run();
            cgroup.thaw(limit);
            long deadline = System.nanoTime() + limit.toNanos();
            for (PidFd process : killed) {
                if (!process.awaitExit(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())))) {
                    throw timeout(process.pid(), cgroup, limit);
                }
            }
        } finally {
            killed.forEach(PidFd::close);
        }
    }

    private static DecampException timeout(int pid, FreezerCgroup cgroup, Duration limit) {
        return DecampException.fatal(
                "kill-timeout",
                "Process " + pid + " in cgroup " + cgroup + " did not die within " + limit.toSeconds() + " s of SIGKILL",
                "It executes no instruction of its own any more; look what it waits for in the kernel",
                null);
    }
}
