package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.sysctl.PipeMaxSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * The other thing that plain CRIU can do: restore first, fetch the memory later (lazy-pages from a page server at the source,
 * over the lab's link). Downtime is short; the source is free, and the workload out of danger, only when the last page has
 * come. Needs larger pipes than the kernel's default, which are set for the time of the move.
 */
public final class PostCopyCriu {
    private static final int PAGE_PORT = 7412;
    private static final Duration FREEZE_LIMIT = Duration.ofSeconds(60);
    private static final Duration FILL_LIMIT = Duration.ofMinutes(3);

    private final Lab.Node from;
    private final Lab.Node to;

    public PostCopyCriu(Lab.Node from, Lab.Node to) {
        this.from = from;
        this.to = to;
    }

    /** Moves a {@code pid:} workload; returns when the source is free. {@code restoreMillis} includes the fill. */
    public PlainCriu.Move move(PidWorkload workload) {
        PipeMaxSize pipes = new PipeMaxSize(from.stateDirectory());
        Path cgroup = CriuRun.gather(from, workload.log().init(), "postcopy");
        for (Lab.Node node : List.of(from, to)) {
            node.run("rm", "-rf", images(node).toString()).check();
            node.run("mkdir", "-p", images(node).toString()).check();
        }
        pipes.raise();
        try (ImageCopy copy = ImageCopy.listen(to, images(to))) {
            return timed(workload.locatorPid(), cgroup, copy);
        } finally {
            pipes.restore();
            to.run("rm", "-rf", images(to).toString());
        }
    }

    private PlainCriu.Move timed(long pid, Path cgroup, ImageCopy copy) {
        Path output = temporary();
        Instant requested = Instant.now();
        long begin = System.nanoTime();
        long before = to.counters().receivedBytes();
        Lab.Started dump = background(from, output, "dump", "--tree", Long.toString(pid), "--manage-cgroups=ignore", "--lazy-pages",
                "--address", from.address(), "--port", Integer.toString(PAGE_PORT));
        try {
            awaitStatus(dump, from, output, "dump");
            freeze(cgroup, true);
            long frozen = System.nanoTime();
            copy.send(from, images(from));
            long copied = System.nanoTime();
            Lab.Started pages = background(to, output, "lazy-pages", "--page-server",
                    "--address", from.address(), "--port", Integer.toString(PAGE_PORT));
            awaitStatus(pages, to, output, "lazy-pages");
            restore(output, dump, pages);
            end(pages, to, "lazy-pages");
            kill(cgroup);
            end(dump, from, "dump");
            long freed = System.nanoTime();
            return new PlainCriu.Move(
                    requested.getEpochSecond() + requested.getNano() / 1e9,
                    (frozen - begin) / 1e6,
                    (copied - frozen) / 1e6,
                    (freed - copied) / 1e6,
                    (freed - begin) / 1e6,
                    to.counters().receivedBytes() - before);
        } finally {
            dump.launcher().children().forEach(ProcessHandle::destroyForcibly);
            freeze(cgroup, false);
            output.toFile().delete();
        }
    }

    /** criu in the background; it writes a byte to {@code ACTION.status} when it serves. */
    private Lab.Started background(Lab.Node node, Path output, String action, String... options) {
        String directory = images(node).toString();
        var command = Command.join(
                List.of("sh", "-c", "exec 9>\"$0\"; exec \"$@\"", status(node, action).toString(),
                        Tools.criu().toString(), action),
                List.of(options));
        return node.start(
                Command.join(command, List.of(
                        "--images-dir", directory, "--work-dir", directory,
                        "--log-file", action + ".log", "-v1", "--status-fd", "9")),
                Map.of(),
                output);
    }

    private void awaitStatus(Lab.Started criu, Lab.Node node, Path output, String action) {
        Path status = node.seenFromHere(status(node, action));
        Await.until(() -> "criu " + action + " to serve", FREEZE_LIMIT, () -> status.toFile().length() > 0 || !criu.launcher().isAlive());
        if (!criu.launcher().isAlive() && status.toFile().length() == 0) {
            throw failed(node, action, criu.launcher().exitValue(), output);
        }
    }

    /** A restore waits for pages for ever, also when whoever serves them is gone. */
    private void restore(Path output, Lab.Started dump, Lab.Started pages) {
        // else CRIU puts the copy into the frozen cgroup of the source
        Lab.Started restore =
                background(to, output, "restore", "--restore-detached", "--manage-cgroups=ignore", "--lazy-pages");
        Await.until("criu restore", FREEZE_LIMIT, () -> !restore.launcher().isAlive()
                || !dump.launcher().isAlive()
                || broken(pages));
        if (restore.launcher().isAlive()) {
            restore.kill();
            throw DecampException.abort(
                    "criu-failed",
                    "criu's page server or page client ended during the restore: " + log(from, "dump")
                            + log(to, "lazy-pages"),
                    "Read criu's reason; is fs.pipe-max-size being changed by somebody else?",
                    null);
        }
        end(restore, to, "restore");
    }

    private static boolean broken(Lab.Started criu) {
        return !criu.launcher().isAlive() && criu.launcher().exitValue() != 0;
    }

    private String log(Lab.Node node, String action) {
        return node.run("cat", images(node).resolve(action + ".log").toString()).output();
    }

    private void end(Lab.Started criu, Lab.Node node, String action) {
        Await.until("the end of criu " + action, FILL_LIMIT, () -> !criu.launcher().isAlive());
        if (criu.launcher().exitValue() != 0) {
            throw failed(node, action, criu.launcher().exitValue(), null);
        }
    }

    private DecampException failed(Lab.Node node, String action, int status, Path output) {
        String errors = log(node, action);
        try {
            String said = output == null ? "" : Files.readString(output);
            return DecampException.abort(
                    "criu-failed",
                    "criu " + action + " ended with " + status + " on " + node + ": " + said + errors,
                    "Read criu's reason",
                    null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** criu would kill them one by one, and threads of those that are left would run on a moment. */
    private static void kill(Path cgroup) {
        try {
            for (String pid : Files.readAllLines(cgroup.resolve("cgroup.procs"))) {
                ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        freeze(cgroup, false);
    }

    private static void freeze(Path cgroup, boolean on) {
        Path v1 = cgroup.resolve("freezer.state");
        try {
            if (Files.exists(v1)) {
                Files.writeString(v1, on ? "FROZEN" : "THAWED");
            } else if (Files.exists(cgroup)) {
                Files.writeString(cgroup.resolve("cgroup.freeze"), on ? "1" : "0");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempFile("decamp-criu", ".out");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path images(Lab.Node node) {
        return node.memoryDirectory().resolve("postcopy");
    }

    private static Path status(Lab.Node node, String action) {
        return images(node).resolve(action + ".status");
    }
}
