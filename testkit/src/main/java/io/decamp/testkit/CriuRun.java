package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What all moves by CRIU's own command line have in common. */
final class CriuRun {
    private CriuRun() {}

    /** Puts the workload's processes into a freezer cgroup of their own, which needs no stop. */
    static Path gather(Lab.Node node, long init, String name) {
        Path v1 = Path.of("/sys/fs/cgroup/freezer");
        Path root = Files.isDirectory(v1) ? v1 : Path.of("/sys/fs/cgroup");
        Path cgroup = root.resolve(node.cgroupPrefix().substring(1)).resolve(name);
        try {
            Files.createDirectories(cgroup);
            var children = ProcessHandle.of(init).orElseThrow().descendants().map(ProcessHandle::pid);
            var all = Stream.concat(Stream.of(init), children);
            for (long pid : all.toList()) {
                Files.writeString(cgroup.resolve("cgroup.procs"), Long.toString(pid));
            }
            return cgroup;
        } catch (IOException e) {
            throw new UncheckedIOException("Can't gather the workload in " + cgroup, e);
        }
    }

    /** @throws DecampException {@code criu-failed} with the errors of its log */
    static void check(Lab.Node node, Path log, Command.Result result) {
        if (result.status() != 0) {
            String errors = node.run("cat", log.toString()).lines().stream()
                    .filter(line -> line.contains("Error"))
                    .collect(Collectors.joining("\n"));
            throw DecampException.abort(
                    "criu-failed",
                    "criu ended with " + result.status() + " on " + node + ": " + result.output() + errors,
                    "Read criu's reason",
                    null);
        }
    }
}
