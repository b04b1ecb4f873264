package io.decamp.linux.workload;

import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/** States of tasks as proc_pid_stat(5) has them. */
public final class TaskStates {
    private TaskStates() {}

    /** True when a tracer has stopped every thread of these processes, or it is dead. */
    public static boolean allTraced(List<Integer> processes) {
        return all(processes, "stat", text -> isStoppedOrDead(parse(text)));
    }

    /** True when every living thread of these processes has a tracer, whatever else holds it. */
    public static boolean allHaveTracer(List<Integer> processes) {
        return all(processes, "status", TaskStates::parseHasTracerOrIsDead);
    }

    static boolean parseHasTracerOrIsDead(String status) {
        return status.lines()
                .anyMatch(line -> line.startsWith("TracerPid:") && !line.endsWith("\t0")
                        || line.startsWith("State:\tZ")
                        || line.startsWith("State:\tX"));
    }

    private static boolean isStoppedOrDead(char state) {
        return state == 't' || state == 'Z' || state == 'X';
    }

    private static boolean all(List<Integer> processes, String file, Predicate<String> holds) {
        for (int pid : processes) {
            try (DirectoryStream<Path> tasks = Files.newDirectoryStream(ProcFs.path(pid, "task"))) {
                for (Path task : tasks) {
                    if (!holds.test(Files.readString(task.resolve(file)))) {
                        return false;
                    }
                }
            } catch (IOException | DirectoryIteratorException ended) {
                continue;
            }
        }
        return true;
    }

    /** R, S, D, T, t, Z, X; X also when there is no such process. */
    public static char of(int pid) {
        return ProcFs.readIfPresent(pid, "stat").map(TaskStates::parse).orElse('X');
    }

    /** @param stat the content of a {@code stat} file; the name in its second field may contain anything */
    static char parse(String stat) {
        int end = stat.lastIndexOf(')');
        if (end < 0 || end + 2 >= stat.length()) {
            throw new IllegalArgumentException("not the content of a stat file: " + stat);
        }
        return stat.charAt(end + 2);
    }

    /** True when the process was sent a SIGKILL that it could not yet die of, as when it is frozen. */
    public static boolean killPending(int pid) {
        return ProcFs.readIfPresent(pid, "status").filter(TaskStates::parseKillPending).isPresent();
    }

    static boolean parseKillPending(String status) {
        long sigkill = 1L << 9 - 1;
        return status.lines()
                .filter(line -> line.startsWith("SigPnd:") || line.startsWith("ShdPnd:"))
                .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & sigkill) != 0);
    }
}
