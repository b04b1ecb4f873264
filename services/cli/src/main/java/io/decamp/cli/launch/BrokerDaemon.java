package io.decamp.cli.launch;

import io.decamp.broker.Main;
import io.decamp.contracts.error.DecampException;
import io.decamp.linux.command.DetachedCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The broker of a lone machine: a process outside every node, which goes on when the command that started it ends. */
final class BrokerDaemon {
    /** After a crash it waits for its own old registration and checks its logs. */
    private static final Duration READY_LIMIT = Duration.ofSeconds(60);
    /** Its end is noticed at once; its words are looked at this often. */
    private static final long LOOK_MILLIS = 20;

    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);
    private static final String READY = "broker ready on ";

    private final Process process;
    private final Path log;
    private final long logStart;

    private BrokerDaemon(Process process, Path log, long logStart) {
        this.process = process;
        this.log = log;
        this.logStart = logStart;
    }

    /** Returns at once. What {@code directory} holds is used again. */
    static BrokerDaemon launch(Path directory, String listen, Path log) {
        try {
            Files.createDirectories(directory);
            Files.createDirectories(log.getParent());
            long end = Files.exists(log) ? Files.size(log) : 0;
            return new BrokerDaemon(
                    DetachedCommand.start(command(directory, listen), Path.of("/"), log, Map.of()), log, end);
        } catch (IOException e) {
            throw DecampException.abort("broker-start", "Cannot make " + directory, "Check the disk", e);
        }
    }

    private static List<String> command(Path directory, String listen) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:+ExitOnOutOfMemoryError",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "--dir",
                directory.toString(),
                "--listen",
                listen);
    }

    int pid() {
        return Math.toIntExact(process.pid());
    }

    /** @throws DecampException {@code broker-start} with its last words */
    void awaitReady() {
        long limit = System.nanoTime() + READY_LIMIT.toNanos();
        try {
            while (!said().contains(READY)) {
                if (process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS) || System.nanoTime() > limit) {
                    throw DecampException.abort(
                            "broker-start", "The broker did not get ready. It said:\n" + said().strip(),
                            "Its whole log: " + log, null);
                }
            }
        } catch (IOException e) {
            throw DecampException.abort("broker-start", "Cannot read " + log, "Check the disk", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.abort("interrupted", "Interrupted while the broker started", "Try again", e);
        }
    }

    void stop() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private String said() throws IOException {
        try (var in = Files.newInputStream(log)) {
            in.skipNBytes(logStart);
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
