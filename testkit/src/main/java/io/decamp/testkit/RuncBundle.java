package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A bundle of runc with a {@code chain} workload and a busybox as its whole root file system, and the containers
 * that are
 * made of it under one root directory of runc's: what a node has of a container.
 */
public final class RuncBundle implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private final Path directory;
    private final Path runcRoot;
    private final ChainSpec spec;

    private RuncBundle(Path directory, Path runcRoot, ChainSpec spec) {
        this.directory = directory;
        this.runcRoot = runcRoot;
        this.spec = spec;
    }

    /**
     * @param node directory of the node; gets {@code bundle} and {@code runc}
     * @param cgroup path below the cgroup hierarchies, unlike that of any other node on this machine
     */
    public static RuncBundle create(Path node, String cgroup, ChainSpec spec) {
        RuncBundle bundle = new RuncBundle(node.resolve("bundle"), node.resolve("runc"), spec);
        try {
            Path rootfs = bundle.rootfs();
            for (String name : List.of("bin", "dev", "proc", "sys", "tmp", "etc")) {
                Files.createDirectories(rootfs.resolve(name));
            }
            Files.copy(busybox(), rootfs.resolve("bin/busybox"));
            Files.copy(Victims.compiled("chain"), rootfs.resolve("bin/chain"));
            Files.createFile(rootfs.resolve("chain.log"));
            Files.writeString(bundle.directory.resolve("config.json"), bundle.config(cgroup));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bundle;
    }

    private static Path busybox() {
        return Tools.program("busybox")
                .orElseThrow(() -> DecampException.refused(
                        "no-busybox", "busybox can't be found", "Install busybox-static"));
    }

    /** The same bundle on another node, with what the root file system holds now. */
    public RuncBundle copyTo(Path node, String cgroup) {
        RuncBundle copy = new RuncBundle(node.resolve("bundle"), node.resolve("runc"), spec);
        try {
            Files.createDirectories(node);
            Command.run("cp", "-a", directory.toString(), copy.directory.toString()).check();
            Files.writeString(copy.directory.resolve("config.json"), copy.config(cgroup));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return copy;
    }

    public Path directory() {
        return directory;
    }

    public Path rootfs() {
        return directory.resolve("rootfs");
    }

    public ChainLog log() {
        return new ChainLog(rootfs().resolve("chain.log"), spec.writers());
    }

    /** runc of this node. */
    public List<String> runc() {
        return List.of("runc", "--root", runcRoot.toString());
    }

    /** Starts a container and waits for its first lines. */
    public void start(String container) {
        // CRIU refuses standard streams on files that the container can't name
        List<String> silent = List.of("sh", "-c", "exec \"$@\" </dev/null >/dev/null 2>&1", "sh");
        List<String> run =
                Command.join(runc(), List.of("run", "--detach", "--bundle", directory.toString(), container));
        Command.run(Command.join(silent, run)).check();
        Await.until("the first lines of container " + container, START_LIMIT, () -> log().begun());
    }

    /** Names of all files below the root directory: what a deletion by mistake takes away. */
    public List<Path> files() {
        try (Stream<Path> files = Files.walk(rootfs())) {
            return files.map(rootfs()::relativize).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends every container made of it. The directories stay. */
    @Override
    public void close() {
        log().killAll();
        try (Stream<Path> containers = Files.exists(runcRoot) ? Files.list(runcRoot) : Stream.empty()) {
            for (Path container : containers.toList()) {
                unmountBelow(container);
                Command.run(Command.join(
                        runc(), List.of("delete", "--force", container.getFileName().toString())));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A restore that was killed leaves the root file system bound there, and a deletion would go through it. */
    private static void unmountBelow(Path container) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            String point = line.split(" ")[4];
            if (point.startsWith(container + "/")) {
                Command.run("umount", point).check();
            }
        }
    }

    private String config(String cgroup) {
        List<String> command = new ArrayList<>();
        for (String word : spec.command(Path.of("/bin/chain"), Path.of("/chain.log"))) {
            command.add("\"" + word + "\"");
        }
        return """
                {"ociVersion": "1.0.2",
                 "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "cwd": "/",
                  "args": [%s], "env": ["PATH=/bin"], "noNewPrivileges": true},
                 "root": {"path": "rootfs", "readonly": false}, "hostname": "chain",
                 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                  {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                   "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}],
                 "linux": {"cgroupsPath": "%s",
                  "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                   {"type": "mount"}]}}
                """
                .formatted(String.join(", ", command), cgroup);
    }
}
