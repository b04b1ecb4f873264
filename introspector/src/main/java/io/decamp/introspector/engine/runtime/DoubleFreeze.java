package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.WorkloadRuntime.Frozen;
import io.decamp.contracts.port.WorkloadRuntime.Hold;
import io.decamp.contracts.port.WorkloadRuntime.Part;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FrozenKill;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.workload.TaskStates;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * The two locks of a frozen workload: criu's ptrace, held by its gate, and the cgroup freezer. Either may be lost
 * without
 * the workload running an instruction. Thread safe for different workloads.
 */
final class DoubleFreeze {
    private static final Logger LOG = Logger.getLogger(DoubleFreeze.class);

    /** Setting the second lock on stopped tasks takes 1 ms; nothing of them can be in the way. */
    static final Duration LOCK_LIMIT = Duration.ofSeconds(10);

    /** Freeing memory takes 0.1 s per GiB. */
    static final Duration KILL_LIMIT = Duration.ofSeconds(60);

    /**
     * @param start starts the dump and returns its first process
     * @param onStopped runs in this thread, while another one waits for the images and sets the second lock
     * @throws DecampException {@code criu-failed}, or as {@link ProcMountTurn#take}; the tasks run, their cgroup is thawed
     */
    Frozen freeze(
            DumpJob job, FreezerCgroup lock, PidNamespace tasks, Function<DumpJob, Process> start, Runnable onStopped) {
        CompletableFuture<Long> stopped = new CompletableFuture<>();
        CompletableFuture<Long> held = new CompletableFuture<>();
        Thread.ofVirtual().name("freeze-" + tasks.initPid()).start(() -> {
            try (DumpWatch watch = new DumpWatch(job);
                    ProcMountTurn _ = ProcMountTurn.take(tasks)) {
                start.apply(job).onExit().thenRun(job::markEnded);
                watch.await("the stop of all tasks", DumpJob.GATE_LIMIT, () -> isStopped(job, tasks) || isOver(job));
                stopped.complete(nowMicros());
                watch.await("its gate", DumpJob.GATE_LIMIT, () -> isOver(job));
                if (!job.isHeld() || job.hasEnded()) {
                    throw job.failed();
                }
                lock.freeze(LOCK_LIMIT);
                requireBothLocks(job, lock);
                held.complete(nowMicros());
            } catch (Throwable e) {
                stopped.completeExceptionally(e);
                held.completeExceptionally(e);
            }
        });
        long stoppedAt = join(stopped);
        RuntimeException failure = null;
        if (!job.hasEnded()) {
            failure = failureOf(onStopped);
        }
        long heldAt = join(held);
        if (failure != null) {
            throw failure;
        }
        return new Frozen(parts(job.images()), stoppedAt, heldAt);
    }

    /**
     * What holds the workload at this moment. Where nothing does, the freeze has not come so far, or its end has not: its
     * tasks may still be in the lock's cgroup.
     */
    Hold hold(FreezeRecord freeze, FreezerCgroup lock) {
        DumpJob job = new DumpJob(freeze.parts(), freeze.run());
        if (lock.exists() && lock.isFrozen() && job.isHeld()) {
            return TaskStates.allHaveTracer(lock.processes()) ? Hold.HELD : Hold.HELD_BY_FREEZER;
        }
        return Hold.FREEZING;
    }

    /** Both locks off. A dump that has not reached its gate is waited for: criu must not die before. */
    void thaw(FreezeRecord freeze, FreezerCgroup lock) {
        DumpJob job = new DumpJob(freeze.parts(), freeze.run());
        warnOfPendingKill(lock);
        lock.thaw(LOCK_LIMIT);
        if (!Files.isDirectory(freeze.run())) {
            return;
        }
        awaitGate(job);
        if (!job.processes().find().isEmpty()) {
            job.abort();
            job.kill();
        }
    }

    /** All tasks die without an instruction, then criu ends. */
    void kill(FreezeRecord freeze, FreezerCgroup lock) {
        DumpJob job = new DumpJob(freeze.parts(), freeze.run());
        FrozenKill.all(lock, KILL_LIMIT, job::kill);
    }

    private static void awaitGate(DumpJob job) {
        try (DumpWatch watch = new DumpWatch(job)) {
            watch.await("its gate", DumpJob.GATE_LIMIT, () -> isOver(job)
                    || job.processes().find().isEmpty());
        }
    }

    /** If criu let go before the second lock was on, tasks may have run since the images were written. */
    private static void requireBothLocks(DumpJob job, FreezerCgroup lock) {
        if (!TaskStates.allHaveTracer(lock.processes())) {
            throw job.failed();
        }
    }

    private static boolean isStopped(DumpJob job, PidNamespace tasks) {
        return job.hasImages() && TaskStates.allTraced(tasks.processes());
    }

    private static boolean isOver(DumpJob job) {
        return job.isHeld() || job.hasEnded();
    }

    private static void warnOfPendingKill(FreezerCgroup lock) {
        for (int pid : lock.processes()) {
            if (TaskStates.killPending(pid)) {
                LOG.warnf("Process %d was sent a SIGKILL by somebody while it was frozen: it dies when thawed", pid);
            }
        }
    }

    private static RuntimeException failureOf(Runnable onStopped) {
        try {
            onStopped.run();
            return null;
        } catch (RuntimeException e) {
            return e;
        }
    }

    private static long join(CompletableFuture<Long> step) {
        try {
            return step.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case DecampException known -> throw known;
                case RuntimeException unchecked -> throw unchecked;
                case Error error -> throw error;
                default -> throw e;
            }
        }
    }

    private static List<Part> parts(Path images) {
        try (Stream<Path> files = Files.list(images)) {
            return files.sorted(Comparator.comparing(Path::getFileName))
                    .map(DoubleFreeze::part)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Part part(Path file) {
        try {
            return new Part(file.getFileName().toString(), file, Files.size(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long nowMicros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }
}
