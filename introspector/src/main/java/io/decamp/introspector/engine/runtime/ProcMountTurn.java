package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.proc.PidNamespace;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The right of one dump to have a /proc mounted. Where the /proc that the workload sees is not that of its own PID
 * namespace, criu has its tasks mount one, each for a moment, in its working directory and under the same name for all
 * (criu/pie/parasite.c, get_proc_fd). Two dumps at a time would meet there, and one would fail. The lock is on the root
 * directory: one for all nodes of a machine, which ends with its holder.
 */
final class ProcMountTurn implements AutoCloseable {
    static final String MOUNT_POINT = "proc.crtools";

    private static final Path LOCKED = Path.of("/");

    /** Whoever is ahead needs some tenths of a second; a criu that hangs is given up by the same limit. */
    private static final Duration LIMIT = DumpJob.GATE_LIMIT;

    private static final long LOOK_NANOS = 1_000_000;

    /** Null: criu mounts nothing. */
    private final FileDescriptor lock;

    private ProcMountTurn(FileDescriptor lock) {
        this.lock = lock;
    }

    /**
     * Waits for the turn; to be asked for before anything is stopped.
     *
     * @throws DecampException {@code stale-proc-mount-point}, {@code dump-turn-timeout}
     */
    static ProcMountTurn take(PidNamespace tasks) {
        if (seesItsOwnProc(tasks.initPid())) {
            return new ProcMountTurn(null);
        }
        FileDescriptor lock = FileDescriptor.open(LOCKED.toString(), FileAbi.O_RDONLY, 0);
        try {
            await(lock);
            tasks.processes().forEach(ProcMountTurn::requireNoLeftover);
            return new ProcMountTurn(lock);
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** As PID 1 there is the init of the namespace that a /proc belongs to. */
    private static boolean seesItsOwnProc(int initPid) {
        try {
            return Files.readSymbolicLink(ProcFs.path(initPid, "root/proc/1/ns/pid"))
                    .equals(Files.readSymbolicLink(ProcFs.path(initPid, "ns/pid")));
        } catch (IOException none) {
            return false;
        }
    }

    private static void await(FileDescriptor lock) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!FileCalls.tryLock(lock.number())) {
            if (System.nanoTime() - deadline > 0) {
                throw DecampException.abort(
                        "dump-turn-timeout",
                        "Dumps of workloads without a /proc of their own take turns, and none came within "
                                + LIMIT.toSeconds() + " s",
                        "See which process holds a lock on the directory " + LOCKED + " (lslocks), and ask again",
                        null);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** criu would stop all tasks first, and fail then. */
    private static void requireNoLeftover(int pid) {
        Path mountPoint = ProcFs.path(pid, "cwd").resolve(MOUNT_POINT);
        if (Files.exists(mountPoint)) {
            throw DecampException.refused(
                    "stale-proc-mount-point",
                    real(mountPoint) + " is where criu would mount a /proc, and exists: a criu that was killed has left it",
                    "Unmount it if it is a mount point, and remove it");
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path;
        }
    }

    /** Nothing is mounted any more. */
    @Override
    public void close() {
        if (lock != null) {
            lock.close();
        }
    }
}
