package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.command.GateScript;
import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.PagemapRun;
import io.decamp.restorer.engine.image.ProcessTree;
import io.decamp.testkit.Await;
import io.decamp.testkit.Command;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Tools;
import io.decamp.testkit.Trees;
import io.decamp.testkit.Victims;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Assumptions;

/**
 * A migration without the network: a victim is held at the end of its lazy dump, its memory copied to a replica, its
 * tasks killed there; then criu restores it lazily, frozen before its first instruction.
 */
final class LazyLab implements AutoCloseable, LazyPages.Listener {
    static final WorkloadId ID = new WorkloadId("pid:1@lab");
    static final Duration LIMIT = Duration.ofSeconds(60);

    private static final int PAGE = 4096;
    private static final int RSEQ_BYTES = 32;
    private static final String HOLD = """
            #!/bin/sh
            [ "$CRTOOLS_SCRIPT_ACTION" = post-dump ] || exit 0
            echo "$PPID $$" > %1$s.new; mv %1$s.new %1$s
            exec sleep 600
            """;

    final Path base;
    final Path images;
    final Map<WorkloadId, LazyPages.Report> complete = new ConcurrentHashMap<>();
    final Map<WorkloadId, DecampException> lost = new ConcurrentHashMap<>();
    private final FreezerHierarchy freezer = FreezerHierarchy.detect();
    private final FreezerCgroup cgroup;
    private final Path criu;
    private final List<Long> processes = new ArrayList<>();
    private SealedReplica replica;
    long restoreMillis;

    LazyLab() {
        try {
            criu = Tools.criu();
        } catch (DecampException e) {
            if (Boolean.getBoolean("decamp.kernel.required")) {
                throw e;
            }
            throw Assumptions.<RuntimeException>abort(e.getMessage());
        }
        try {
            base = Scratch.onTmpfs("decamp-lazy-");
            images = Files.createDirectory(base.resolve("images"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        cgroup = freezer.at("/" + base.getFileName());
        cgroup.create();
    }

    LazyPageServers servers() {
        return new LazyPageServers(base.resolve("lazy"), this);
    }

    /** Starts a victim in a PID namespace of its own. @return its PID here */
    long start(String victim, String... arguments) throws IOException {
        Path program = Files.copy(Victims.compiled(victim), base.resolve(victim));
        List<String> command = new ArrayList<>(List.of("unshare", "--pid", "--fork", "setsid", program.toString()));
        command.addAll(Arrays.asList(arguments));
        Process launcher = new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectErrorStream(true)
                .start();
        processes.add(launcher.pid());
        Await.until("the child of unshare", LIMIT, () -> launcher.children().findAny().isPresent());
        long pid = launcher.children().findAny().orElseThrow().pid();
        processes.add(pid);
        return pid;
    }

    /** Dumps without the memory, copies that, and kills the victim where it stands. */
    SealedReplica freeze(long init) throws IOException {
        Path held = base.resolve("held");
        Path script = Files.writeString(base.resolve("hold.sh"), HOLD.formatted(held));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        Process dump = new ProcessBuilder(
                        criu.toString(),
                        "dump",
                        "-t",
                        Long.toString(init),
                        "-D",
                        images.toString(),
                        "-o",
                        "dump.log",
                        "-v4",
                        "--lazy-pages",
                        "--address",
                        "127.0.0.1",
                        "--port",
                        "27991",
                        "--manage-cgroups=ignore",
                        "--action-script",
                        script.toString())
                .redirectErrorStream(true)
                .redirectOutput(base.resolve("dump.out").toFile())
                .start();
        Await.until(
                () -> "the gate of the dump: " + tail(images.resolve("dump.log")),
                LIMIT,
                () -> Files.exists(held) || !dump.isAlive());
        if (!Files.exists(held)) {
            throw new AssertionError("criu dump ended: " + tail(images.resolve("dump.log")));
        }
        String[] pids = Files.readString(held).strip().split(" ");
        List<Long> tasks = new ArrayList<>();
        for (int pid : ProcessTree.read(images).pidsWithMemory(images)) {
            tasks.add(hostPid(init, pid));
        }
        try {
            replica = copyMemory(init);
        } finally {
            // each of them: what criu lets go runs on, and an init ends its children only after it has closed its pipes;
            // and an init is dead only when criu, its children's tracer, has let them go
            for (long task : tasks) {
                ProcessHandle.of(task).ifPresent(ProcessHandle::destroyForcibly);
            }
            Procs.killAndAwait(Long.parseLong(pids[1]));
            Procs.killAndAwait(Long.parseLong(pids[0]));
            Procs.killAndAwait(init);
        }
        return replica;
    }

    private SealedReplica copyMemory(long init) throws IOException {
        Path directory = Files.createDirectory(base.resolve("replica"));
        List<AddressSpace> spaces = new ArrayList<>();
        for (int pid : ProcessTree.read(images).pidsWithMemory(images)) {
            AddressSpace space = new AddressSpace(spaces.size() + 1, pid);
            spaces.add(space);
            PagemapImage image = PagemapImage.read(ProcessTree.pagemap(images, pid));
            try (RandomAccessFile memory = new RandomAccessFile("/proc/" + hostPid(init, pid) + "/mem", "r");
                    RandomAccessFile file =
                            new RandomAccessFile(directory.resolve("space-" + space.id()).toFile(), "rw")) {
                file.setLength(1L << 47);
                copy(image.lazyRuns(), memory, file);
            }
        }
        return new SealedReplica(directory, 1, 1, new byte[0], spaces, List.of());
    }

    private static void copy(List<PagemapRun> runs, RandomAccessFile memory, RandomAccessFile file) throws IOException {
        byte[] zero = new byte[PAGE];
        byte[] page = new byte[PAGE];
        for (PagemapRun run : runs) {
            for (long at = run.address(); at < run.end(); at += PAGE) {
                memory.seek(at);
                memory.readFully(page);
                if (!Arrays.equals(page, zero)) {
                    file.seek(at);
                    file.write(page);
                }
            }
        }
    }

    /** The process that calls itself {@code pid} in the PID namespace of {@code init}. */
    static long hostPid(long init, int pid) throws IOException {
        Path namespace = Files.readSymbolicLink(Path.of("/proc/" + init + "/ns/pid"));
        try (var all = Files.list(Path.of("/proc"))) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> name.matches("[0-9]+"))
                    .mapToLong(Long::parseLong)
                    .filter(host -> inside(host, namespace, pid))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no PID " + pid + " in the namespace of " + init));
        }
    }

    private static boolean inside(long host, Path namespace, int pid) {
        try {
            List<Long> pids = Procs.namespacePids(host);
            return !pids.isEmpty()
                    && pids.getLast() == pid
                    && Files.readSymbolicLink(Path.of("/proc/" + host + "/ns/pid")).equals(namespace);
        } catch (IOException gone) {
            return false;
        }
    }

    /** @return PID here of the copy's init, which is frozen before its first instruction */
    long restore(Path work) throws IOException {
        return restore(work, "--lazy-pages");
    }

    /** The same with all memory, from {@code images} as they are. */
    long restoreEagerly() throws IOException {
        return restore(base, "-v4");
    }

    private long restore(Path work, String lazyPages) throws IOException {
        Path run = Files.createDirectories(base.resolve("run"));
        Path pidFile = base.resolve("copy.pid");
        var builder = new ProcessBuilder(
                        criu.toString(),
                        "restore",
                        "-D",
                        images.toString(),
                        "-W",
                        work.toString(),
                        "-o",
                        base.resolve("restore.log").toString(),
                        "-v4",
                        "-d",
                        lazyPages,
                        "--manage-cgroups=ignore",
                        "--pidfile",
                        pidFile.toString(),
                        "--action-script",
                        GateScript.HOLD_COPY.install(base.resolve("scripts")).toString())
                .redirectErrorStream(true)
                .redirectOutput(base.resolve("restore.out").toFile());
        builder.environment()
                .putAll(Map.of(
                        "DECAMP_RUN", run.toString(),
                        "DECAMP_HOME", freezer.root().toString(),
                        "DECAMP_CGROUP", cgroup.directory().toString(),
                        "DECAMP_FREEZER", freezer.root().toString(),
                        "DECAMP_VERSION", freezer.version().name()));
        long begin = System.nanoTime();
        Process restore = builder.start();
        try {
            if (!restore.waitFor(60, java.util.concurrent.TimeUnit.SECONDS)) {
                restore.destroyForcibly();
                throw new AssertionError("criu restore does not end: " + tail(base.resolve("restore.log")));
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        restoreMillis = (System.nanoTime() - begin) / 1_000_000;
        if (restore.exitValue() != 0) {
            throw new AssertionError("criu restore ended with " + restore.exitValue() + ": "
                    + tail(base.resolve("restore.log")) + tail(base.resolve("restore.out")));
        }
        long init = Long.parseLong(Files.readString(pidFile).strip());
        processes.add(init);
        if (!cgroup.isFrozen()) {
            throw new AssertionError("the copy is not frozen");
        }
        return init;
    }

    void release() {
        cgroup.thaw(Duration.ofSeconds(5));
    }

    void refreeze() {
        cgroup.freeze(Duration.ofSeconds(5));
    }

    /** Compares every page of the copy, which has not run yet, to the replica. @return pages compared */
    long comparePages(long init) throws IOException {
        long pages = 0;
        byte[] want = new byte[PAGE];
        byte[] got = new byte[PAGE];
        for (AddressSpace space : replica.spaces()) {
            PagemapImage image = PagemapImage.read(ProcessTree.pagemap(images, space.containerPid()));
            try (RandomAccessFile memory =
                            new RandomAccessFile("/proc/" + hostPid(init, space.containerPid()) + "/mem", "r");
                    RandomAccessFile file = new RandomAccessFile(replica.spaceFile(space.id()).toFile(), "r")) {
                for (PagemapRun run : image.lazyRuns()) {
                    for (long at = run.address(); at < run.end(); at += PAGE, pages++) {
                        memory.seek(at);
                        memory.readFully(got);
                        file.seek(at);
                        file.readFully(want);
                        requireSame(at, want, got);
                    }
                }
            }
        }
        return pages;
    }

    /** All but one struct rseq: the kernel writes the CPU into each thread's before it runs, even while it is held. */
    private static void requireSame(long address, byte[] want, byte[] got) {
        int first = Arrays.mismatch(want, got);
        if (first < 0) {
            return;
        }
        int rseq = first & -RSEQ_BYTES;
        System.arraycopy(want, rseq, got, rseq, RSEQ_BYTES);
        if (!Arrays.equals(want, got)) {
            throw new AssertionError("page 0x" + Long.toHexString(address) + " differs from byte " + first + " on");
        }
    }

    static String tail(Path file) {
        try {
            List<String> lines = Files.readAllLines(file);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 25), lines.size()));
        } catch (IOException e) {
            return "no " + file;
        }
    }

    void awaitComplete() {
        Await.until(() -> "complete memory; lost: " + lost, LIMIT, () -> complete.containsKey(ID) || lost.containsKey(ID));
        if (lost.containsKey(ID)) {
            throw new AssertionError(lost.get(ID).getMessage(), lost.get(ID));
        }
    }

    @Override
    public void onComplete(WorkloadId id, LazyPages.Report report) {
        complete.put(id, report);
    }

    @Override
    public void onLost(WorkloadId id, DecampException reason) {
        lost.put(id, reason);
        refreeze();
    }

    static Command.Result run(String... command) {
        return Command.run(command);
    }

    @Override
    public void close() {
        for (int pid : cgroup.processes()) {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
        processes.reversed().forEach(Procs::killAndAwait);
        cgroup.thaw(Duration.ofSeconds(5));
        Await.until(() -> "an empty " + cgroup, LIMIT, () -> cgroup.processes().isEmpty());
        cgroup.remove();
        Trees.delete(base);
    }
}
