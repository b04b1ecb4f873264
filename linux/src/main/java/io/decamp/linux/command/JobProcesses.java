package io.decamp.linux.command;

import io.decamp.linux.pid.PidFd;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The processes of one job (runc, criu, its script): those that inherited its variable, those that work in its
 * directory (a
 * criu that serves runc overwrites its environment with a title), and the children of both. Needs no list of PIDs,
 * so that
 * none can be missed by a crash between a start and its record. A task that criu has just restored looks the same,
 * and is
 * told apart by its PID namespace, which is never ours.
 */
public final class JobProcesses {
    private static final long SIGKILL = 9;

    private final String mark;
    private final Path run;

    /** @param run the job's directory, given to its processes as {@link GateScript#RUN_VARIABLE} */
    public JobProcesses(Path run) {
        this.run = run;
        this.mark = GateScript.RUN_VARIABLE + "=" + run;
    }

    public List<Integer> find() {
        Map<Integer, Integer> parents = new TreeMap<>();
        Set<Integer> found = new TreeSet<>();
        int self = (int) ProcessHandle.current().pid();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                int pid = Integer.parseInt(process.getFileName().toString());
                if (pid != self && inOurNamespace(pid)) {
                    parents.put(pid, parentOf(pid));
                    if (isOfJob(pid)) {
                        found.add(pid);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        while (parents.entrySet().stream()
                .filter(child -> found.contains(child.getValue()))
                .map(child -> found.add(child.getKey()))
                .reduce(false, Boolean::logicalOr)) {
            // until no child of a found one is missing
            continue;
        }
        return List.copyOf(found);
    }

    /** SIGKILL to all, and waits until they are gone. @throws IllegalStateException when one stays */
    public void kill(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        for (List<Integer> left = find(); !left.isEmpty(); left = find()) {
            for (int pid : left) {
                killAndAwait(pid, Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            }
        }
    }

    /** @param which tells by /proc/PID/cmdline, whose words end with NUL */
    public boolean any(Predicate<String> which) {
        return find().stream()
                .anyMatch(pid -> ProcFs.readIfPresent(pid, "cmdline").filter(which).isPresent());
    }

    /** @param which tells by /proc/PID/cmdline, whose words end with NUL */
    public void signal(long signal, Predicate<String> which) {
        for (int pid : find()) {
            try (PidFd process = PidFd.find(pid).orElse(null)) {
                if (process != null
                        && find().contains(pid)
                        && ProcFs.readIfPresent(pid, "cmdline").filter(which).isPresent()) {
                    process.signal(signal);
                }
            }
        }
    }

    /** @return false when some still run after {@code limit} */
    public boolean awaitEnd(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        for (int pid : find()) {
            try (PidFd process = PidFd.find(pid).orElse(null)) {
                if (process != null) {
                    process.awaitExit(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
                }
            }
        }
        return find().isEmpty();
    }

    private void killAndAwait(int pid, Duration limit) {
        try (PidFd process = PidFd.find(pid).orElse(null)) {
            // the descriptor is for whoever has the number now
            if (process == null || !find().contains(pid)) {
                return;
            }
            process.signal(SIGKILL);
            if (!process.awaitExit(limit)) {
                throw new IllegalStateException("process " + pid + " of " + run + " did not end by SIGKILL");
            }
        }
    }

    private boolean isOfJob(int pid) {
        try {
            return ProcFs.path(pid, "cwd").toRealPath().equals(run)
                    || ProcFs.readIfPresent(pid, "environ").stream()
                            .flatMap(text -> List.of(text.split("\0")).stream())
                            .anyMatch(mark::equals);
        } catch (IOException | UncheckedIOException gone) {
            return false;
        }
    }

    private static boolean inOurNamespace(int pid) {
        try {
            return Files.readSymbolicLink(ProcFs.path(pid, "ns/pid"))
                    .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/pid")));
        } catch (IOException gone) {
            return false;
        }
    }

    private static int parentOf(int pid) {
        return ProcFs.readIfPresent(pid, "stat")
                .map(stat -> stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1])
                .map(Integer::valueOf)
                .orElse(0);
    }
}
