package io.decamp.linux.command;

import io.decamp.contracts.error.DecampException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a program that answers at once. Its output must be short: it is read when the program has ended. */
public final class ShortCommand {
    /** {@code criu check} takes 100 ms; nothing here may take much longer. */
    private static final long LIMIT_SECONDS = 30;

    /** Fits into a pipe, so that a program never blocks on writing it. */
    private static final int MAX_OUTPUT_BYTES = 64 << 10;

    /** @param output standard output and error together */
    public record Result(int status, String output) {}

    private ShortCommand() {}

    /** @throws DecampException {@code command-not-started}, {@code command-timeout} */
    public static Result run(List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectErrorStream(true)
                    .start();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw DecampException.retry(
                        "command-timeout",
                        "'" + String.join(" ", command) + "' did not end within " + LIMIT_SECONDS + " s",
                        "Run it by hand",
                        null);
            }
            byte[] output = process.getInputStream().readNBytes(MAX_OUTPUT_BYTES);
            return new Result(process.exitValue(), new String(output, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw DecampException.retry(
                    "command-not-started", "Can't start '" + String.join(" ", command) + "'", "Is it installed?", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry(
                    "interrupted", "Interrupted in '" + String.join(" ", command) + "'", "Try again", e);
        }
    }

    /** As {@link #run}, and it must end with 0. @throws DecampException {@code command-failed} */
    public static String check(List<String> command) {
        Result result = run(command);
        if (result.status() != 0) {
            throw DecampException.retry(
                    "command-failed",
                    "'" + String.join(" ", command) + "' ended with " + result.status() + ": "
                            + result.output().strip(),
                    "Run it by hand",
                    null);
        }
        return result.output();
    }
}
