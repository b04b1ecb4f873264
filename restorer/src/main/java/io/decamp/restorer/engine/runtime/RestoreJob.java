package io.decamp.restorer.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.command.CriuLog;
import io.decamp.linux.command.DetachedCommand;
import io.decamp.linux.command.GateScript;
import io.decamp.linux.command.JobDirectory;
import io.decamp.linux.command.JobProcesses;
import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.PagemapRun;
import io.decamp.restorer.engine.image.ProcessTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * One restore that ends with a frozen copy. All of it is in one directory: {@code images}, {@code parent} (the memory),
 * {@code held} (written by the gate, with the PID of the copy's init) and logs.
 */
record RestoreJob(Path directory) {
    static final String LOG = "restore.log";

    /** Reading memory takes 0.6 s per GiB; a copy that is larger is served on demand. */
    static final Duration LIMIT = Duration.ofSeconds(60);

    /** A restore that is well ends between two looks. */
    private static final long LOOK_EVERY_MILLIS = 1_000;

    /** What runc does before criu's start and after its end takes 50 ms. */
    private static final int MAX_LOOKS_WITHOUT_CRIU = 3;

    Path images() {
        return directory.resolve("images");
    }

    Path parent() {
        return directory.resolve("parent");
    }

    /** Of the command itself, which is not criu's log. */
    Path output() {
        return directory.resolve("command.out");
    }

    JobProcesses processes() {
        return new JobProcesses(directory);
    }

    /** Makes the image directory out of hard links to the parts. */
    void create(SealedReplica replica) {
        JobDirectory.create(directory);
        try {
            Files.createDirectories(images());
            try (Stream<Path> parts = Files.list(replica.partsDirectory())) {
                for (Path part : parts.toList()) {
                    Files.createLink(images().resolve(part.getFileName()), part);
                }
            }
        } catch (IOException e) {
            throw DecampException.abort(
                    "image-io",
                    "Can't link the parts in " + replica.partsDirectory() + " to " + images(),
                    "Replica and memory directory must lie on one file system",
                    e);
        }
    }

    /** Resident memory of all processes that is not in the images themselves. */
    long lazyBytes() {
        long bytes = 0;
        for (int pid : ProcessTree.read(images()).pidsWithMemory(images())) {
            for (PagemapRun run : PagemapImage.read(ProcessTree.pagemap(images(), pid)).lazyRuns()) {
                bytes += run.length();
            }
        }
        return bytes;
    }

    /**
     * @param madeIn where the copy is to be made; null where a container runtime decides
     * @param home where criu goes before the copy is frozen
     */
    Map<String, String> environment(FreezerHierarchy hierarchy, FreezerCgroup madeIn, FreezerCgroup home) {
        Map<String, String> environment = new HashMap<>(Map.of(
                GateScript.RUN_VARIABLE, directory.toString(),
                "DECAMP_FREEZER", hierarchy.root().toString(),
                "DECAMP_VERSION", hierarchy.version().name(),
                "DECAMP_HOME", home.directory().toString()));
        if (madeIn != null) {
            environment.put("DECAMP_CGROUP", madeIn.directory().toString());
        }
        return environment;
    }

    /**
     * Runs the command to its end.
     *
     * @param log criu's
     * @param isCriu tells the criu that restores by /proc/PID/cmdline, whose words end with NUL
     * @throws DecampException {@code restore-failed}, also when the command says that all is well and the copy is
     * not held
     */
    int run(List<String> command, Map<String, String> environment, Path log, Predicate<String> isCriu) {
        Process process = DetachedCommand.start(command, directory, output(), environment);
        await(process, isCriu);
        if (process.exitValue() != 0) {
            throw failed(CriuLog.reason(log, output()), null);
        }
        return heldInit().orElseThrow(() -> failed("the copy could not be frozen before its first instruction", null));
    }

    /** A runc whose criu was killed waits for ever: the tasks that are left hold criu's end of its socket. */
    private void await(Process process, Predicate<String> isCriu) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        int looksWithoutCriu = 0;
        try {
            while (!process.waitFor(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
                looksWithoutCriu = processes().any(isCriu) ? 0 : looksWithoutCriu + 1;
                if (looksWithoutCriu > MAX_LOOKS_WITHOUT_CRIU) {
                    throw failed("criu was killed", null);
                }
                if (System.nanoTime() - deadline > 0) {
                    throw failed("criu did not end within " + LIMIT.toSeconds() + " s", null);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed("interrupted", e);
        }
    }

    /** The init of the copy once it is frozen, complete. */
    OptionalInt heldInit() {
        return read("held")
                .map(text -> OptionalInt.of(Integer.parseInt(text)))
                .orElse(OptionalInt.empty());
    }

    private Optional<String> read(String mark) {
        try {
            return Optional.of(Files.readString(directory.resolve(mark)).strip())
                    .filter(text -> !text.isEmpty());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Path of the copy's cgroup in the freezer hierarchy, once there is a task in it. */
    Optional<String> cgroupPath() {
        return read("cgroup");
    }

    void remove() {
        JobDirectory.remove(directory);
    }

    private static DecampException failed(String reason, Exception cause) {
        return DecampException.abort(
                "restore-failed",
                "criu can't restore the copy: " + reason,
                "The workload is complete at its source; compare the nodes' files, kernels and devices",
                cause);
    }
}
