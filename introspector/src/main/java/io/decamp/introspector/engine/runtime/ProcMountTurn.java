package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * The right of one dump to the working directory of its workload's init. Where the /proc that the workload sees is not
 * that of its own PID namespace, criu has its tasks mount one, each for a moment, and under the same name for all
 * (criu/pie/parasite.c, get_proc_fd, which dumping cgroups needs as well). Two dumps at a time would meet there, and one
 * would fail. The directory itself is locked, so that this holds for all nodes of a machine, and ends with its holder.
 */
final class ProcMountTurn implements AutoCloseable {
    static final String MOUNT_POINT = "proc.crtools";

    /** Whoever is ahead needs some tenths of a second; a criu that hangs is given up by the same limit. */
    private static final Duration LIMIT = DumpJob.GATE_LIMIT;

    private static final long LOOK_NANOS = 1_000_000;

    /** Null: criu mounts nothing. */
    private final FileDescriptor directory;

    private ProcMountTurn(FileDescriptor directory) {
        this.directory = directory;
    }

    /**
     * Waits for the turn; to be asked for before anything is stopped.
     *
     * @throws DecampException {@code stale-proc-mount-point}, {@code working-directory-busy}
     */
    static ProcMountTurn take(int initPid) {
        if (seesItsOwnProc(initPid)) {
            return new ProcMountTurn(null);
        }
        Path path = ProcFs.path(initPid, "cwd");
        FileDescriptor directory = FileDescriptor.open(path.toString(), FileAbi.O_RDONLY, 0);
        try {
            lock(directory, path);
            requireNoLeftover(path);
            return new ProcMountTurn(directory);
        } catch (RuntimeException e) {
            directory.close();
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

    private static void lock(FileDescriptor directory, Path path) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!FileCalls.tryLock(directory.number())) {
            if (System.nanoTime() - deadline > 0) {
                throw DecampException.abort(
                        "working-directory-busy",
                        "Another dump of a workload in " + real(path) + " has not come to its end within "
                                + LIMIT.toSeconds() + " s",
                        "Evict that one first, or see what holds a lock on the directory (lslocks)",
                        null);
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** criu would stop all tasks first, and fail then. */
    private static void requireNoLeftover(Path path) {
        if (Files.exists(path.resolve(MOUNT_POINT))) {
            Path leftover = real(path).resolve(MOUNT_POINT);
            throw DecampException.refused(
                    "stale-proc-mount-point",
                    leftover + " is where criu would mount a /proc, and exists: a criu that was killed has left it",
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

    /** Nothing is mounted any more. Idempotent. */
    @Override
    public void close() {
        if (directory != null) {
            directory.close();
        }
    }
}
