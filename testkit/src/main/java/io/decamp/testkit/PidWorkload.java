package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A {@code chain} workload as the init of a PID namespace of its own, session leader in it: what {@code pid:N} names.
 * {@link #close} ends every copy there is, wherever it was moved to.
 */
public final class PidWorkload implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    /** Standard streams are opened inside the node: CRIU refuses a file of another mount namespace. */
    private static final String LAUNCH =
            "exec </dev/null >>\"$0\" 2>&1; exec unshare --pid --fork setsid \"$@\"";

    private final ChainSpec spec;
    private final Path directory;
    private final ChainLog log;
    private final Process launcher;
    private final long firstInit;
    private final Thread atExit = new Thread(this::remove, "end-of-workload");

    private PidWorkload(ChainSpec spec, Path directory, ChainLog log, Process launcher) {
        this.spec = spec;
        this.directory = directory;
        this.log = log;
        this.launcher = launcher;
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            Await.until(() -> "the first line of every writer in " + log.file(), START_LIMIT, this::begun);
            this.firstInit = log.init();
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
            var launch = List.of("sh", "-c", LAUNCH, directory.resolve("output").toString());
            Process launcher = new ProcessBuilder(
                            Command.join(Command.join(enter, launch), spec.command(program, log)))
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return new PidWorkload(spec, directory, new ChainLog(log, spec.writers()), launcher);
        } catch (IOException e) {
            throw DecampException.abort("workload-not-started", "Can't start chain", "Is unshare installed?", e);
        }
    }

    /** PID of the init it was started with, as this process sees it. */
    public long initPid() {
        return firstInit;
    }

    /** PID of the living copy's init in the namespace that encloses its own: the N of {@code pid:N} on its node. */
    public long locatorPid() {
        long init = log.init();
        List<Long> pids = Procs.namespacePids(init);
        if (pids.size() < 2) {
            throw new AssertionError("Process " + init + " is gone");
        }
        return pids.get(pids.size() - 2);
    }

    public ChainLog log() {
        return log;
    }

    public ChainSpec spec() {
        return spec;
    }

    /** For a report of a failure: who lives of it, how far it has come, and what it has printed. Never throws. */
    public String describe() {
        try {
            String printed = Files.readString(directory.resolve("output")).strip();
            return "inits " + log.inits() + ", " + log.lines() + " lines, the last: " + log.tail().strip() + "\nprinted: "
                    + (printed.isEmpty() ? "nothing" : printed);
        } catch (IOException | RuntimeException e) {
            return "(not known: " + e + ")";
        }
    }

    /** Ends the one living copy, which checks its whole memory, and judges all it ever did. */
    public ChainOracle.Report stopAndJudge() {
        return log.stopAndJudge();
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

    private void remove() {
        killAll();
        Trees.delete(directory);
    }

    private void killAll() {
        if (Files.exists(log.file())) {
            log.killAll();
        }
        launcher.destroyForcibly().onExit().join();
    }

    private boolean begun() {
        if (!launcher.isAlive()) {
            throw new AssertionError("chain ended at once, see " + directory.resolve("output") + ": " + log.tail());
        }
        return log.begun();
    }
}
