package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What Decamp is measured against: stop-and-copy with plain CRIU between the nodes of a lab. The image is dumped to tmpfs,
 * copied over the lab's link with sendfile, restored at the other node. All that can be ready before (listener, directories,
 * cgroups) is ready before the clock starts.
 */
public final class PlainCriu {
    private static final Duration RUNC_LIMIT = Duration.ofSeconds(90);

    /**
     * Times of one move. Downtime is not among them: it is what the workload's own log says.
     *
     * @param requestedAtSeconds CLOCK_REALTIME when the move began
     * @param evictionMillis until the source holds neither process nor image
     * @param bytesAfter bytes that crossed the link after the request
     */
    public record Move(
            double requestedAtSeconds,
            double dumpMillis,
            double copyMillis,
            double restoreMillis,
            double evictionMillis,
            long bytesAfter) {}

    private final Lab.Node from;
    private final Lab.Node to;

    public PlainCriu(Lab.Node from, Lab.Node to) {
        this.from = from;
        this.to = to;
    }

    /** Moves a {@code pid:} workload. Afterwards its init is to be found by its log. */
    public Move move(PidWorkload workload) {
        String pid = Long.toString(workload.locatorPid());
        Path cgroup = CriuRun.gather(from, workload.log().init(), "plain");
        Path hook = hook(cgroup);
        List<String> dump = List.of(
                Tools.criu().toString(), "dump", "--tree", pid, "--images-dir", images(from).toString(),
                "--log-file", "dump.log", "-v1", "--manage-cgroups=ignore", "--action-script", hook.toString());
        List<String> restore = List.of(
                Tools.criu().toString(), "restore", "--restore-detached", "--images-dir", images(to).toString(),
                "--log-file", "restore.log", "-v1", "--manage-cgroups=ignore");
        try {
            return timed(
                    () -> CriuRun.check(from, images(from).resolve("dump.log"), from.run(dump)),
                    () -> CriuRun.check(to, images(to).resolve("restore.log"), to.run(restore)));
        } finally {
            hook.toFile().delete();
        }
    }

    /** Moves a runc container with {@code runc checkpoint} and {@code runc restore}. */
    public Move move(Container container) {
        Path options = options();
        var environment = Map.of("CRIU_CONFIG_FILE", options.toString());
        var checkpoint = List.of(
                "checkpoint", "--image-path", images(from).toString(), "--work-path", work(from).toString(),
                container.id());
        try {
            return timed(
                    () -> Command.run(
                                    Command.join(from.enter(), Command.join(Container.runc(from), checkpoint)),
                                    environment)
                            .check(),
                    () -> container.runcDetached(
                            to, RUNC_LIMIT, environment, "restore", "--detach",
                            "--image-path", images(to).toString(), "--work-path", work(to).toString(),
                            "--bundle", container.bundle().toString(), container.id()));
        } finally {
            options.toFile().delete();
        }
    }

    private Move timed(Runnable dump, Runnable restore) {
        for (Lab.Node node : List.of(from, to)) {
            node.run("rm", "-rf", images(node).toString(), work(node).toString()).check();
            node.run("mkdir", "-p", images(node).toString(), work(node).toString()).check();
        }
        try (ImageCopy copy = ImageCopy.listen(to, images(to))) {
            Instant requested = Instant.now();
            long begin = System.nanoTime();
            long before = to.counters().receivedBytes();
            dump.run();
            long dumped = System.nanoTime();
            copy.send(from, images(from));
            from.run("rm", "-rf", images(from).toString()).check();
            long copied = System.nanoTime();
            restore.run();
            long restored = System.nanoTime();
            return new Move(
                    requested.getEpochSecond() + requested.getNano() / 1e9,
                    (dumped - begin) / 1e6,
                    (copied - dumped) / 1e6,
                    (restored - copied) / 1e6,
                    (copied - begin) / 1e6,
                    to.counters().receivedBytes() - before);
        } finally {
            to.run("rm", "-rf", images(to).toString(), work(to).toString());
        }
    }

    /** What runc has no flag for: connections are closed by the move, as they are by Decamp's. */
    private static Path options() {
        try {
            return Files.writeString(Files.createTempFile("decamp-criu", ".conf"), "tcp-close\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * When a plain dump ends, CRIU kills the tasks one by one, and threads of a process that is not dead yet run a moment:
     * its log grows, and the restore refuses the file. So they are killed while frozen, as runc has it done.
     */
    private Path hook(Path cgroup) {
        String script = """
                #!/bin/sh
                [ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0
                cd '%s' || exit 1
                if [ -e freezer.state ]; then
                    echo FROZEN >freezer.state
                    while read -r state <freezer.state && [ "$state" != FROZEN ]; do :; done
                else
                    echo 1 >cgroup.freeze
                fi
                while read -r pid; do kill -9 "$pid"; done <cgroup.procs
                if [ -e freezer.state ]; then echo THAWED >freezer.state; else echo 0 >cgroup.freeze; fi
                """;
        try {
            Path file = Files.createTempFile(
                    "decamp-hook",
                    ".sh",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            return Files.writeString(file, script.formatted(cgroup));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path images(Lab.Node node) {
        return node.memoryDirectory().resolve("plain");
    }

    private static Path work(Lab.Node node) {
        return node.memoryDirectory().resolve("plain-work");
    }
}
