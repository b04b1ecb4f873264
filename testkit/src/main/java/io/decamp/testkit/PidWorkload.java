package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * A {@code chain} workload as the init of a PID namespace of its own, session leader in it: what {@code pid:N} names.
 * It is known by its log, which it keeps open wherever it is moved to. {@link #close} ends every copy there is.
 */
public final class PidWorkload implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private final ChainSpec spec;
    private final Path directory;
    private final Path log;
    private final Process launcher;
    private final long firstInit;
    private final Thread atExit = new Thread(this::killAll, "end-of-workload");

    private PidWorkload(ChainSpec spec, Path directory, Path log, Process launcher) {
        this.spec = spec;
        this.directory = directory;
        this.log = log;
        this.launcher = launcher;
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            Await.until(() -> "the first line of every writer in " + log, START_LIMIT, this::everyWriterHasBegun);
            List<Long> inits = inits();
            if (inits.size() != 1) {
                throw new AssertionError("Expected one init that holds " + log + ", found " + inits);
            }
            this.firstInit = inits.getFirst();
        } catch (RuntimeException | AssertionError e) {
            close();
            throw e;
        }
    }

    public static PidWorkload start(ChainSpec spec) {
        return start(spec, List.of());
    }

    /**
     * Returns when every writer has filled its memory and written its first line.
     *
     * @param enter command that runs a command elsewhere, such as {@link Lab.Node#enter()}; empty for here
     */
    public static PidWorkload start(ChainSpec spec, List<String> enter) {
        try {
            Path directory = Files.createTempDirectory("decamp-chain").toRealPath();
            Path program = Files.copy(Victims.compiled("chain"), directory.resolve("chain"));
            Path log = Files.createFile(directory.resolve("chain.log"));
            var command = Command.join(
                    Command.join(enter, List.of("unshare", "--pid", "--fork", "setsid")), spec.command(program, log));
            Process launcher = new ProcessBuilder(command)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            return new PidWorkload(spec, directory, log, launcher);
        } catch (IOException e) {
            throw DecampException.abort("workload-not-started", "Can't start chain", "Is unshare installed?", e);
        }
    }

    /** PID of the init it was started with, as this process sees it. */
    public long initPid() {
        return firstInit;
    }

    /** PID of that init in the namespace that encloses its own: the N of {@code pid:N} on its node. */
    public long locatorPid() {
        List<Long> pids = Procs.namespacePids(firstInit);
        if (pids.size() < 2) {
            throw new AssertionError("Process " + firstInit + " is gone");
        }
        return pids.get(pids.size() - 2);
    }

    public Path log() {
        return log;
    }

    public Path directory() {
        return directory;
    }

    public ChainSpec spec() {
        return spec;
    }

    /** Inits of all living copies, running or frozen, on whatever node of this machine. */
    public List<Long> inits() {
        return Procs.holding(log).stream()
                .filter(pid -> {
                    List<Long> pids = Procs.namespacePids(pid);
                    return pids.size() > 1 && pids.getLast() == 1 && Procs.alive(pid);
                })
                .toList();
    }

    public long lines() {
        try (Stream<String> lines = Files.lines(log)) {
            return lines.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until the log has grown by {@code more} lines: the workload runs. */
    public void awaitLines(long more, Duration limit) {
        long wanted = lines() + more;
        Await.until(() -> more + " more lines in " + log, limit, () -> lines() >= wanted);
    }

    /** Judges what is there so far. */
    public ChainOracle.Report judge() {
        return ChainOracle.judge(log);
    }

    /** Ends the one running copy by SIGTERM, which makes it check its whole memory, and judges all it ever did. */
    public ChainOracle.Report stopAndJudge() {
        List<Long> inits = inits();
        if (inits.size() != 1) {
            throw new AssertionError("Expected one living copy, found inits " + inits);
        }
        Procs.terminate(inits.getFirst());
        Await.until(() -> "the end of " + inits, STOP_LIMIT, () -> inits().isEmpty());
        return ChainOracle.judgeEnded(log);
    }

    /** Kills every copy and removes the files. */
    @Override
    public void close() {
        killAll();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            return;
        }
        Trees.delete(directory);
    }

    private void killAll() {
        for (long init : inits()) {
            Procs.killAndAwait(init);
        }
        launcher.destroyForcibly();
    }

    private boolean everyWriterHasBegun() {
        if (!launcher.isAlive()) {
            throw new AssertionError("chain ended at once: " + tail());
        }
        try (Stream<String> lines = Files.lines(log)) {
            return lines.filter(line -> line.startsWith("0 ")).count() >= spec.writers();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String tail() {
        try {
            String text = Files.readString(log);
            return text.substring(Math.max(0, text.length() - 400));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
