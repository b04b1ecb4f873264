package io.decamp.linux.cgroup;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The cgroup hierarchy in which tasks are frozen: the v1 freezer controller where it is mounted (container runtimes use
 * it there, and a task sits in one freezer only), else the unified hierarchy.
 *
 * <p>Sources: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst, cgroup-v2.rst ("cgroup.freeze").
 */
public record FreezerHierarchy(Path root, Version version) {
    /** Which interface files it has. */
    public enum Version {
        /** {@code freezer.state}; a task that is killed while frozen dies when it is thawed. */
        V1,
        /** {@code cgroup.freeze}; a task that is killed while frozen dies at once. Since Linux 5.2. */
        V2
    }

    /** @throws DecampException {@code no-freezer} */
    public static FreezerHierarchy detect() {
        try {
            return parse(Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1))
                    .orElseThrow(() -> DecampException.refused(
                            "no-freezer",
                            "Neither the v1 freezer nor cgroup v2 is mounted",
                            "Mount cgroup2 at /sys/fs/cgroup"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** @param mountinfo the lines of proc_pid_mountinfo(5) */
    static Optional<FreezerHierarchy> parse(List<String> mountinfo) {
        FreezerHierarchy unified = null;
        for (String line : mountinfo) {
            String[] halves = line.split(" - ", 2);
            String[] mount = halves[0].split(" ");
            String[] source = halves.length < 2 ? new String[0] : halves[1].split(" ");
            if (mount.length < 5 || source.length < 3) {
                continue;
            }
            if (source[0].equals("cgroup") && List.of(source[2].split(",")).contains("freezer")) {
                return Optional.of(new FreezerHierarchy(Path.of(mount[4]), Version.V1));
            }
            if (source[0].equals("cgroup2") && unified == null) {
                unified = new FreezerHierarchy(Path.of(mount[4]), Version.V2);
            }
        }
        return Optional.ofNullable(unified);
    }

    /** @param path below the root, with a leading slash */
    public FreezerCgroup at(String path) {
        if (!path.startsWith("/") || path.contains("/../") || path.endsWith("/..")) {
            throw new IllegalArgumentException("not a cgroup path: " + path);
        }
        return new FreezerCgroup(root.resolve(path.substring(1)), path, version);
    }

    /** The cgroup that a process is in; empty when the process is gone. */
    public Optional<FreezerCgroup> of(int pid) {
        return ProcFs.readIfPresent(pid, "cgroup")
                .flatMap(text -> pathOf(text, version))
                .map(this::at);
    }

    /** @param text the content of /proc/PID/cgroup: {@code ID:CONTROLLERS:PATH} lines */
    static Optional<String> pathOf(String text, Version version) {
        return text.lines()
                .map(line -> line.split(":", 3))
                .filter(part -> part.length == 3)
                .filter(part -> version == Version.V1
                        ? List.of(part[1].split(",")).contains("freezer")
                        : part[0].equals("0") && part[1].isEmpty())
                .map(part -> part[2])
                .findFirst();
    }
}
