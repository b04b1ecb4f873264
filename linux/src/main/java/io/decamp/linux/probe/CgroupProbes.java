package io.decamp.linux.probe;

import io.decamp.linux.proc.Mount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Probes of what is mounted of the cgroup file systems. */
final class CgroupProbes {
    private CgroupProbes() {}

    static Support freezerV1() {
        boolean mounted = mounts().stream()
                .anyMatch(mount -> mount.type().equals("cgroup") && mount.superOptions().contains("freezer"));
        return mounted ? Support.yes() : Support.no("no cgroup v1 hierarchy with the freezer is mounted");
    }

    /** The root cgroup can't be frozen and has no such file; each other one has it. */
    static Support freezerV2() {
        for (Mount mount : mounts()) {
            if (mount.type().equals("cgroup2") && anyChildHas(Path.of(mount.point()), "cgroup.freeze")) {
                return Support.yes();
            }
        }
        return Support.no("no cgroup v2 hierarchy is mounted that has a cgroup.freeze");
    }

    private static boolean anyChildHas(Path cgroup, String file) {
        if (Files.exists(cgroup.resolve(file))) {
            return true;
        }
        try (Stream<Path> children = Files.list(cgroup)) {
            return children.anyMatch(child -> Files.exists(child.resolve(file)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Mount> mounts() {
        return Mount.ofProcess((int) ProcessHandle.current().pid()).orElseThrow();
    }
}
