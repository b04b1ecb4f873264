package io.decamp.cli.bench;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Processor time of a process, its faults included, to the nanosecond (proc(5), schedstat). */
final class TaskTime {
    private TaskTime() {}

    /** Of all its living threads. */
    static long nanos(long pid) {
        long sum = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
            for (Path task : tasks) {
                sum += task(task);
            }
            return sum;
        } catch (IOException e) {
            throw DecampException.abort(
                    "task-time", "Cannot read the processor time of process " + pid, "See whether it has ended", e);
        }
    }

    private static long task(Path task) throws IOException {
        try {
            return Long.parseLong(Files.readString(task.resolve("schedstat")).split(" ")[0]);
        } catch (NoSuchFileException ended) {
            return 0;
        }
    }
}
