package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** A program as the init of a PID namespace of its own, session leader in it. {@link #close} kills it. */
public final class PidServer implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(10);
    /** As for {@link PidWorkload}: standard streams of the node's own mount namespace, in a directory of its own. */
    private static final String LAUNCH =
            "cd \"$0\" || exit 1; exec </dev/null >>output 2>&1; exec unshare --pid --fork setsid \"$@\"";

    private final Path directory;
    private final Process launcher;
    private final long init;
    private final Thread atExit = new Thread(this::remove, "end-of-server");

    private PidServer(Path directory, Process launcher, List<String> command) {
        this.directory = directory;
        this.launcher = launcher;
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            Await.until(() -> command + " to run: " + output(), START_LIMIT, () -> find().isPresent());
            this.init = find().orElseThrow();
        } catch (RuntimeException | AssertionError e) {
            close();
            throw e;
        }
    }

    /**
     * Returns when it is a process; whether it serves is for its clients to find out.
     *
     * @param enter command that runs a command elsewhere, such as {@link Lab.Node#enter()}; empty for here
     */
    public static PidServer start(List<String> command, List<String> enter) {
        try {
            Path directory = Files.createTempDirectory("decamp-server").toRealPath();
            var launch = List.of("sh", "-c", LAUNCH, directory.toString());
            Process launcher = new ProcessBuilder(Command.join(Command.join(enter, launch), command))
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return new PidServer(directory, launcher, command);
        } catch (IOException e) {
            throw DecampException.abort("server-not-started", "Can't start " + command, "Is unshare installed?", e);
        }
    }

    /** As this process sees it. */
    public long initPid() {
        return init;
    }

    /** In the namespace that encloses its own: the N of {@code pid:N} on its node. */
    public long locatorPid() {
        List<Long> pids = Procs.namespacePids(init);
        if (pids.size() < 2) {
            throw new AssertionError("The server has ended: " + output());
        }
        return pids.get(pids.size() - 2);
    }

    /** The end of what it printed, for a message. */
    public String output() {
        try {
            String text = Files.readString(directory.resolve("output"));
            return text.substring(Math.max(0, text.length() - 400)).strip();
        } catch (IOException e) {
            return launcher.isAlive() ? "nothing yet" : "nothing, and its launcher has ended";
        }
    }

    private Optional<Long> find() {
        return launcher.descendants()
                .map(ProcessHandle::pid)
                .filter(pid -> isInit(Procs.namespacePids(pid)) && Procs.alive(pid) && isServer(pid))
                .findFirst();
    }

    private static boolean isInit(List<Long> pids) {
        return pids.size() > 1 && pids.getLast() == 1;
    }

    /** Before it becomes the server it is unshare's child, then setsid. */
    private static boolean isServer(long pid) {
        try {
            String name = Files.readString(Path.of("/proc/" + pid + "/comm")).strip();
            return !List.of("unshare", "setsid", "taskset").contains(name);
        } catch (IOException gone) {
            return false;
        }
    }

    private void remove() {
        kill();
        Trees.delete(directory);
    }

    private void kill() {
        find().ifPresent(Procs::killAndAwait);
        launcher.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        kill();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            return;
        }
        try {
            Trees.delete(directory);
        } catch (UncheckedIOException e) {
            throw DecampException.abort("server-not-removed", "Can't remove " + directory, "Remove it", e);
        }
    }
}
