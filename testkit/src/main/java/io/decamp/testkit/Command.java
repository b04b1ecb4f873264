package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a program to its end. Its output goes through a file, so that a long one never blocks it. */
public final class Command {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    /** @param output standard output and error together, in order */
    public record Result(List<String> command, int status, String output, Duration took) {
        public Result check() {
            if (status != 0) {
                throw DecampException.abort(
                        "command-failed",
                        "'" + String.join(" ", command) + "' ended with " + status + ": " + output.strip(),
                        "Read what it printed",
                        null);
            }
            return this;
        }

        public List<String> lines() {
            return output.lines().toList();
        }
    }

    private Command() {}

    public static Result run(String... command) {
        return run(List.of(command));
    }

    public static Result run(List<String> command) {
        return run(command, Map.of());
    }

    /** @throws DecampException {@code command-failed} when it can't be started or does not end in two minutes */
    public static Result run(List<String> command, Map<String, String> environment) {
        Path output = null;
        try {
            output = Files.createTempFile("decamp-command", ".out");
            var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.redirectInput(Path.of("/dev/null").toFile());
            builder.environment().putAll(environment);
            long begin = System.nanoTime();
            Process process = builder.start();
            if (!process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw failed(command, "did not end in " + LIMIT.toSeconds() + " s: " + Files.readString(output), null);
            }
            return new Result(
                    command, process.exitValue(), Files.readString(output), Duration.ofNanos(System.nanoTime() - begin));
        } catch (IOException e) {
            throw failed(command, "can't be started", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(command, "was interrupted", e);
        } finally {
            delete(output);
        }
    }

    /** {@code prefix} followed by {@code command}, as for a program that is run inside a node. */
    public static List<String> join(List<String> prefix, List<String> command) {
        var all = new ArrayList<>(prefix);
        all.addAll(command);
        return all;
    }

    private static DecampException failed(List<String> command, String how, Exception cause) {
        return DecampException.abort(
                "command-failed", "'" + String.join(" ", command) + "' " + how, "Is the program installed?", cause);
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
