package io.decamp.cli.launch;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A service that was started as a process of its own. It goes on when the starter ends; what it starts in turn (criu,
 * containers, keepers) goes on when it ends.
 */
public final class ServiceProcess {
    /** A service that is slower than this to start is not going to. */
    private static final Duration READY_LIMIT = Duration.ofSeconds(60);
    /** Graceful stop: open requests, Kafka, spans. */
    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);
    /** How often the ready file is looked for; the process's end is noticed at once. */
    private static final long LOOK_MILLIS = 20;

    /** Lines of the log that go into a message. */
    private static final int LAST_WORDS = 12;

    private final NodePlan.Service service;
    private final NodePlan plan;
    private final Process launcher;
    private final Path log;
    private final Path readyFile;
    private final long logStart;

    private ServiceProcess(
            NodePlan.Service service, NodePlan plan, Process launcher, Path log, Path readyFile, long logStart) {
        this.service = service;
        this.plan = plan;
        this.launcher = launcher;
        this.log = log;
        this.readyFile = readyFile;
        this.logStart = logStart;
    }

    static ServiceProcess start(NodePlan.Service service, NodePlan plan, List<String> command) {
        Path run = plan.settings().stateDirectory().resolve("run");
        Path log = plan.settings().stateDirectory().resolve("log").resolve(service.label() + ".log");
        Path ready = run.resolve(service.label() + ".ready");
        try {
            Files.createDirectories(run);
            Files.createDirectories(log.getParent());
            Files.deleteIfExists(ready);
            long logStart = Files.exists(log) ? Files.size(log) : 0;
            Process process = new ProcessBuilder(command)
                    .directory(Path.of("/").toFile())
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            return new ServiceProcess(service, plan, process, log, ready, logStart);
        } catch (IOException e) {
            throw DecampException.abort(
                    "service-start", "Cannot start the " + service.label() + " of " + plan.settings().node(),
                    "See the cause: " + e.getMessage(), e);
        }
    }

    /** Returns once the service has reported itself ready. */
    void awaitReady() {
        long limit = System.nanoTime() + READY_LIMIT.toNanos();
        while (!Files.exists(readyFile)) {
            if (exited(LOOK_MILLIS) || System.nanoTime() > limit) {
                throw DecampException.abort(
                        "service-start",
                        "The " + service.label() + " of " + plan.settings().node() + " did not get ready"
                                + (launcher.isAlive() ? "" : " (exit " + launcher.exitValue() + ")") + ": "
                                + String.join("\n", reasons()),
                        "Its whole log: " + log,
                        null);
            }
        }
    }

    public NodePlan.Service service() {
        return service;
    }

    public Path log() {
        return log;
    }

    /** PID of the service's JVM as this process sees it. */
    public long pid() {
        return jvm().pid();
    }

    public boolean alive() {
        return launcher.isAlive();
    }

    /** Asks the service to end, and waits for it. */
    public void stop() {
        stop(STOP_LIMIT);
    }

    void stop(Duration limit) {
        jvm().destroy();
        if (!exited(limit.toMillis())) {
            kill();
        }
    }

    /** SIGKILL: the service has no say. */
    public void kill() {
        jvm().destroyForcibly();
        exited(STOP_LIMIT.toMillis());
    }

    /** Where a node is entered first, the launcher waits for the JVM, its only child. */
    private ProcessHandle jvm() {
        return plan.launcherStays()
                ? launcher.children().findFirst().orElse(launcher.toHandle())
                : launcher.toHandle();
    }

    private boolean exited(long millis) {
        try {
            return launcher.waitFor(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** What went wrong in this start, without the stack traces; the last words where nobody said so. */
    private List<String> reasons() {
        try (InputStream in = Files.newInputStream(log)) {
            in.skipNBytes(logStart);
            List<String> causes = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith("Caused by: "))
                    .map(line -> line.substring("Caused by: ".length()))
                    .distinct()
                    .toList();
            return causes.isEmpty() ? tail(LAST_WORDS) : List.of(causes.getLast());
        } catch (IOException e) {
            return tail(LAST_WORDS);
        }
    }

    /** Last lines of the log, for a message. */
    public List<String> tail(int lines) {
        try {
            List<String> all = Files.readAllLines(log);
            return all.subList(Math.max(0, all.size() - lines), all.size());
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            return List.of("(cannot read " + log + ": " + e.getMessage() + ")");
        }
    }
}
