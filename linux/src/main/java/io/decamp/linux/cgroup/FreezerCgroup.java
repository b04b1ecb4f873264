package io.decamp.linux.cgroup;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.cgroup.FreezerHierarchy.Version;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * One cgroup as a lock on its tasks. What is frozen stays frozen whoever dies: the state is the kernel's. Thread
 * safe as
 * far as the kernel is.
 */
public final class FreezerCgroup {
    /** Between two looks at the state: neither version's file can be waited on in both kernels' ways. */
    private static final long LOOK_EVERY_NANOS = 20_000;

    private final Path directory;
    private final String path;
    private final Version version;

    FreezerCgroup(Path directory, String path, Version version) {
        this.directory = directory;
        this.path = path;
        this.version = version;
    }

    public Path directory() {
        return directory;
    }

    /** Below the hierarchy's root, with a leading slash. */
    public String path() {
        return path;
    }

    public boolean isRoot() {
        return path.equals("/");
    }

    /** The file that a PID is written to in order to move its process here. */
    public Path processesFile() {
        return directory.resolve("cgroup.procs");
    }

    public boolean exists() {
        return Files.isDirectory(directory);
    }

    /** Also makes what is above it. Idempotent. */
    public void create() {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw failed("Can't make cgroup " + directory, e);
        }
    }

    /** Idempotent. The cgroup must be empty: a process that exits leaves it before its parent is told. */
    public void remove() {
        try {
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            throw failed("Can't remove cgroup " + directory + " with processes " + processes(), e);
        }
    }

    /** Living processes in it, not below it, as PIDs of our namespace; none when it does not exist. */
    public List<Integer> processes() {
        return read("cgroup.procs").lines().map(Integer::valueOf).toList();
    }

    /** @return false when the process is gone */
    public boolean add(int pid) {
        try {
            write(processesFile(), Integer.toString(pid));
            return true;
        } catch (IOException e) {
            if (!Files.exists(Path.of("/proc", Integer.toString(pid)))
                    || String.valueOf(e.getMessage()).contains("No such process")) {
                return false;
            }
            throw failed("Can't move process " + pid + " to cgroup " + directory, e);
        }
    }

    /** True when no task in it can execute an instruction. */
    public boolean isFrozen() {
        return switch (version) {
            case V1 -> read("freezer.state").strip().equals("FROZEN");
            case V2 -> read("cgroup.events").lines().anyMatch("frozen 1"::equals);
        };
    }

    /**
     * @throws DecampException {@code freeze-timeout} when a task can't be frozen within {@code limit}, such as one that
     *     waits for a dead network file system; the cgroup is thawed again
     */
    public void freeze(Duration limit) {
        set(true);
        if (!await(true, limit)) {
            set(false);
            throw DecampException.abort(
                    "freeze-timeout",
                    "Cgroup " + directory + " was not frozen within " + limit.toMillis() + " ms",
                    "Look for tasks in state D: " + processes(),
                    null);
        }
    }

    /** Idempotent, also when there is no such cgroup. */
    public void thaw(Duration limit) {
        if (!exists()) {
            return;
        }
        set(false);
        if (!await(false, limit)) {
            throw DecampException.fatal(
                    "thaw-timeout",
                    "Cgroup " + directory + " is still frozen after " + limit.toMillis() + " ms",
                    "A cgroup above it may be frozen",
                    null);
        }
    }

    private boolean await(boolean frozen, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (isFrozen() != frozen) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            LockSupport.parkNanos(LOOK_EVERY_NANOS);
        }
        return true;
    }

    private void set(boolean frozen) {
        try {
            switch (version) {
                case V1 -> write(directory.resolve("freezer.state"), frozen ? "FROZEN" : "THAWED");
                case V2 -> write(directory.resolve("cgroup.freeze"), frozen ? "1" : "0");
            }
        } catch (IOException e) {
            throw failed("Can't " + (frozen ? "freeze" : "thaw") + " cgroup " + directory, e);
        }
    }

    private String read(String file) {
        try {
            return Files.readString(directory.resolve(file));
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            if (!exists()) {
                return "";
            }
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardOpenOption.WRITE);
    }

    private static DecampException failed(String what, IOException cause) {
        return DecampException.retry("cgroup-failed", what, "Is this process root, and the hierarchy writable?", cause);
    }

    @Override
    public String toString() {
        return directory.toString();
    }
}
