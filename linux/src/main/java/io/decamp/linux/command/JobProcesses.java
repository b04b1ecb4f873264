package io.decamp.linux.command;

import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.pid.PidFd;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The processes of one job (runc, criu, its script), found by the variable they all inherited. Needs no list of PIDs, so
 * that none can be missed by a crash between a start and its record.
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

    /** @param except what also may carry the mark and is not of the job: tasks that criu has just restored */
    public List<Integer> find(Set<Integer> except) {
        List<Integer> found = new ArrayList<>();
        long self = ProcessHandle.current().pid();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                int pid = Integer.parseInt(process.getFileName().toString());
                if (pid != self && !except.contains(pid) && carriesMark(pid)) {
                    found.add(pid);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    /** SIGKILL to all, and waits until they are gone. @throws IllegalStateException when one stays */
    public void kill(Set<Integer> except, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        for (List<Integer> left = find(except); !left.isEmpty(); left = find(except)) {
            for (int pid : left) {
                killAndAwait(pid, Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
            }
        }
    }

    /** @return false when some still run after {@code limit} */
    public boolean awaitEnd(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        for (int pid : find(Set.of())) {
            try (PidFd process = PidFd.find(pid).orElse(null)) {
                if (process != null && carriesMark(pid)) {
                    process.awaitExit(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
                }
            }
        }
        return find(Set.of()).isEmpty();
    }

    private void killAndAwait(int pid, Duration limit) {
        var found = PidFd.find(pid);
        if (found.isEmpty()) {
            return;
        }
        try (PidFd process = found.get()) {
            // the descriptor is for whoever has the number now
            if (!carriesMark(pid)) {
                return;
            }
            process.signal(SIGKILL);
            if (!process.awaitExit(limit)) {
                throw new IllegalStateException("process " + pid + " of " + run + " did not end by SIGKILL");
            }
        }
    }

    private boolean carriesMark(int pid) {
        try {
            return ProcFs.readIfPresent(pid, "environ").stream()
                    .flatMap(text -> List.of(text.split("\0")).stream())
                    .anyMatch(mark::equals);
        } catch (UncheckedIOException | SyscallException gone) {
            return false;
        }
    }
}
