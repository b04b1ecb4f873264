package io.decamp.linux.workload;

import io.decamp.linux.cgroup.FreezerCgroup;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All processes of one PID namespace, seen from outside. Thread safe. */
public final class PidNamespace {
    /** Rounds of moving until none is left outside: each one halves nothing in theory, and two suffice in practice. */
    private static final int MAX_ROUNDS = 100;

    private final int initPid;
    private final String namespace;

    private PidNamespace(int initPid, String namespace) {
        this.initPid = initPid;
        this.namespace = namespace;
    }

    /** True when this process is PID 1 of a namespace below our own, which is what can be moved. */
    public static boolean isInit(int pid) {
        List<Integer> pids = namespacePids(pid);
        return pids.size() > 1 && pids.getLast() == 1 && !link(pid).equals(link((int) ProcessHandle.current().pid()));
    }

    /** @throws UncheckedIOException when the process is gone */
    public static PidNamespace of(int initPid) {
        String namespace = link(initPid);
        if (namespace.isEmpty()) {
            throw new UncheckedIOException(new IOException("Process " + initPid + " has no PID namespace any more"));
        }
        return new PidNamespace(initPid, namespace);
    }

    /** PIDs from our namespace inwards (proc_pid_status(5), NSpid), empty when the process is gone. */
    public static List<Integer> namespacePids(int pid) {
        return ProcFs.readIfPresent(pid, "status").map(PidNamespace::parseNamespacePids).orElse(List.of());
    }

    static List<Integer> parseNamespacePids(String status) {
        for (String line : status.split("\n")) {
            if (line.startsWith("NSpid:")) {
                List<Integer> pids = new ArrayList<>();
                for (String word : line.substring("NSpid:".length()).strip().split("\\s+")) {
                    pids.add(Integer.valueOf(word));
                }
                return pids;
            }
        }
        return List.of();
    }

    public int initPid() {
        return initPid;
    }

    /** Its processes, zombies excluded, as PIDs of our namespace. Those of namespaces within it are not listed. */
    public List<Integer> processes() {
        List<Integer> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                int pid = Integer.parseInt(process.getFileName().toString());
                if (namespace.equals(link(pid))) {
                    found.add(pid);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    /**
     * Moves every process to {@code target}. A process that is forked meanwhile starts in the cgroup of its parent,
     * so it is
     * outside only if its parent was: it is found in the next round.
     *
     * @return where each one was, by PID, in the order of the moves
     */
    public Map<Integer, String> moveTo(FreezerCgroup target, FreezerHierarchy hierarchy) {
        Map<Integer, String> former = new LinkedHashMap<>();
        for (int round = 0; round < MAX_ROUNDS; round++) {
            boolean moved = false;
            for (int pid : processes()) {
                String path = hierarchy.of(pid).map(FreezerCgroup::path).orElse(target.path());
                if (!path.equals(target.path()) && target.add(pid)) {
                    former.put(pid, path);
                    moved = true;
                }
            }
            if (!moved) {
                return former;
            }
        }
        throw new IllegalStateException(
                "processes of " + namespace + " still appear outside " + target + " after " + MAX_ROUNDS + " rounds");
    }

    /** {@code pid:[4026532198]}, or empty when the process is gone or a zombie. */
    private static String link(int pid) {
        try {
            return Files.readSymbolicLink(ProcFs.path(pid, "ns/pid")).toString();
        } catch (IOException gone) {
            return "";
        }
    }
}
