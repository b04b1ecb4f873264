package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What tests ask of {@code /proc}, by PIDs as this process sees them. A process that is gone answers with nothing. */
public final class Procs {
    private static final Path PROC = Path.of("/proc");
    private static final Path FREEZER_V1 = Path.of("/sys/fs/cgroup/freezer");

    private Procs() {}

    /** PIDs from this process's namespace inwards (proc_pid_status(5), NSpid); the last is what it calls itself. */
    public static List<Long> namespacePids(long pid) {
        return statusField(pid, "NSpid")
                .map(text -> Arrays.stream(text.split("\\s+")).map(Long::valueOf).toList())
                .orElse(List.of());
    }

    /** One letter of proc_pid_stat(5): R, S, D, T, t, Z... */
    public static Optional<String> state(long pid) {
        return statusField(pid, "State").map(text -> text.substring(0, 1));
    }

    /** There, and not a zombie, or one with threads that are still on their way out. */
    public static boolean alive(long pid) {
        return state(pid)
                .filter(s -> !s.equals("Z") && !s.equals("X") || hasOtherThreads(pid))
                .isPresent();
    }

    /** The first thread of a process that is killed may be a zombie before the others have let go of its memory. */
    private static boolean hasOtherThreads(long pid) {
        String[] threads = PROC.resolve(pid + "/task").toFile().list();
        return threads != null && threads.length > 1;
    }

    public static Optional<String> statusField(long pid, String name) {
        try {
            return Files.readAllLines(PROC.resolve(pid + "/status")).stream()
                    .filter(line -> line.startsWith(name + ":"))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst();
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /** Living processes that have this very file open, by whatever path their mount namespace shows it. */
    public static List<Long> holding(Path file) {
        List<Long> holders = new ArrayList<>();
        Object key = key(file);
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path process : all) {
                if (holds(process, file.getFileName(), key)) {
                    holders.add(Long.valueOf(process.getFileName().toString()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return holders;
    }

    private static Object key(Path file) {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean holds(Path process, Path name, Object key) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (name.equals(Files.readSymbolicLink(descriptor).getFileName())
                        && key(descriptor).equals(key)) {
                    return true;
                }
            }
        } catch (IOException | UncheckedIOException | DirectoryIteratorException gone) {
            return false;
        }
        return false;
    }

    public static void terminate(long pid) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroy);
    }

    /**
     * SIGKILL, then off with whatever cgroup freezer keeps it from dying, then waits until it is gone. Only for
     * processes that the caller made.
     */
    public static void killAndAwait(long pid) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        Await.until(() -> "the end of process " + pid, Duration.ofSeconds(10), () -> {
            thaw(pid);
            return !alive(pid);
        });
    }

    private static void thaw(long pid) {
        try {
            for (String line : Files.readAllLines(PROC.resolve(pid + "/cgroup"))) {
                String[] part = line.split(":", 3);
                if (part[1].equals("freezer") && !part[2].equals("/")) {
                    write(FREEZER_V1.resolve(part[2].substring(1)).resolve("freezer.state"), "THAWED");
                } else if (part[0].equals("0") && !part[2].equals("/")) {
                    write(unified().resolve(part[2].substring(1)).resolve("cgroup.freeze"), "0");
                }
            }
        } catch (IOException gone) {
            // it died meanwhile, which is what was wanted
        }
    }

    private static Path unified() {
        Path hybrid = Path.of("/sys/fs/cgroup/unified");
        return Files.isDirectory(hybrid) ? hybrid : Path.of("/sys/fs/cgroup");
    }

    private static void write(Path file, String value) throws IOException {
        if (Files.exists(file)) {
            Files.writeString(file, value);
        }
    }
}
