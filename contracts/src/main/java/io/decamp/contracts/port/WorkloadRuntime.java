package io.decamp.contracts.port;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.PreflightReport;
import java.nio.file.Path;
import java.util.List;

/**
 * The source side of one kind of workload: finds it, freezes it twice (criu's gate and the cgroup freezer), captures its
 * state, and in the end kills it or lets it run on. All outcomes survive a restart of the service: what is frozen stays
 * frozen until {@link #thaw} or {@link #kill}.
 */
public interface WorkloadRuntime {
    /** A workload as it was found. {@code bundle} is null for kinds that have none. */
    record Found(WorkloadId id, int initPid, State state, Path bundle) {}

    /** As seen from outside: FROZEN when its cgroup is, STOPPED when there is no process left. */
    enum State {
        RUNNING,
        FROZEN,
        STOPPED
    }

    /** A named piece of state, complete, in tmpfs. */
    record Part(String name, Path file, long size) {}

    /** A workload that executes no instruction, held by two locks. */
    record Frozen(List<Part> parts, long stoppedAtUnixMicros, long heldAtUnixMicros) {}

    /** What a freeze left behind, also after a restart. */
    enum Hold {
        /** Runs, or is not known. */
        NONE,
        /** A freeze was begun and is not over; between its begin and both locks, or in the middle of a thaw or kill. */
        FREEZING,
        /** Both locks are on. */
        HELD,
        /** criu is gone; the cgroup freezer alone holds it. Still safe to kill or thaw. */
        HELD_BY_FREEZER
    }

    /** @throws io.decamp.contracts.error.DecampException {@code workload-not-found}, {@code not-namespace-init} */
    Found find(WorkloadId id);

    /** What can't be moved and why, what would restart it, and how much is not lazy. Changes nothing. */
    PreflightReport check(WorkloadId id);

    /**
     * Stops all tasks, has their state written without lazily served memory, and sets the second lock.
     *
     * @param onStopped called once all tasks are stopped, while the state is still being written: memory may be read
     * @throws io.decamp.contracts.error.DecampException {@code criu-failed} with criu's reason; the workload runs on
     */
    Frozen freeze(WorkloadId id, String migration, Path partsDirectory, Runnable onStopped);

    Hold hold(WorkloadId id);

    /** Abort: both locks off, the workload runs on. Idempotent. */
    void thaw(WorkloadId id);

    /**
     * Commit: every task dies without executing an instruction; the runtime's own record goes too. What runs, because
     * it was never frozen or its freeze had not got so far, is frozen first and dies as well. Idempotent.
     *
     * @throws io.decamp.contracts.error.DecampException {@code freeze-timeout}, {@code kill-timeout}; call it again
     */
    void kill(WorkloadId id);
}
