package io.decamp.linux.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A PID namespace below ours, with those nested in it, found through /proc. Whoever needs all of its processes while
 * they fork asks again until nothing is new. Thread safe.
 */
public final class PidNamespace {
    /**
     * A process there. {@code pid} is ours, {@code innerPid} the one in the namespace of the init that was asked for.
     */
    public record Member(int pid, int innerPid) {}

    private static final Path PROC = Path.of("/proc");

    private final int initPid;
    private final int depth;
    private final String link;
    private final String ours;

    private PidNamespace(int initPid, int depth, String link, String ours) {
        this.initPid = initPid;
        this.depth = depth;
        this.link = link;
        this.ours = ours;
    }

    /** True when it is PID 1 of a namespace below ours. */
    public static boolean isInit(int pid) {
        return ProcessStatus.ofProcess(pid).filter(PidNamespace::isInit).isPresent();
    }

    private static boolean isInit(ProcessStatus status) {
        return status.namespacePids().size() > 1 && status.innermostPid() == 1;
    }

    /** @throws IllegalArgumentException when {@code initPid} is not the init of a PID namespace below ours */
    public static PidNamespace of(int initPid) {
        ProcessStatus init = ProcessStatus.ofProcess(initPid)
                .filter(PidNamespace::isInit)
                .orElseThrow(() -> new IllegalArgumentException(
                        "process " + initPid + " is not the init of a PID namespace of its own"));
        String link = linkOf(initPid).orElseThrow(() -> new IllegalArgumentException("no process " + initPid));
        String ours = linkOf((int) ProcessHandle.current().pid()).orElseThrow();
        return new PidNamespace(initPid, init.namespacePids().size(), link, ours);
    }

    public int initPid() {
        return initPid;
    }

    /** Its living processes (not threads), those of nested namespaces too, without zombies, ordered by our PID. */
    public List<Member> members() {
        List<Member> members = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path process : all) {
                int pid = Integer.parseInt(process.getFileName().toString());
                // the links sort out everybody else's processes for a fraction of what their status costs
                Optional<String> at = linkOf(pid).filter(l -> !l.equals(ours));
                at.flatMap(_ -> ProcessStatus.ofProcess(pid))
                        .filter(status -> !status.isZombie() && contains(at.get(), status))
                        .ifPresent(status -> members.add(
                                new Member(pid, status.namespacePids().get(depth - 1))));
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new IllegalStateException("Can't list " + PROC, e);
        }
        members.sort(Comparator.comparingInt(Member::pid));
        return members;
    }

    /** {@link #members} by our PIDs. */
    public List<Integer> processes() {
        return members().stream().map(Member::pid).toList();
    }

    /** A nested namespace is in this one when an ancestor of its processes is, at this one's depth. */
    private boolean contains(String at, ProcessStatus process) {
        Optional<String> place = Optional.of(at);
        ProcessStatus status = process;
        while (status.namespacePids().size() > depth) {
            int parent = status.parent();
            Optional<ProcessStatus> above = parent == 0 ? Optional.empty() : ProcessStatus.ofProcess(parent);
            if (above.isEmpty()) {
                return false;
            }
            status = above.get();
            place = linkOf(parent);
        }
        return status.namespacePids().size() == depth && place.filter(link::equals).isPresent();
    }

    /** @return {@code pid:[4026531836]}; empty when the process is gone, or is one of the host's that nobody may look into */
    static Optional<String> linkOf(int pid) {
        try {
            return Optional.of(
                    Files.readSymbolicLink(ProcFs.path(pid, "ns/pid")).toString());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            boolean below = ProcessStatus.ofProcess(pid)
                    .filter(status -> status.namespacePids().size() > 1)
                    .isPresent();
            if (below) {
                throw new UncheckedIOException(e);
            }
            return Optional.empty();
        }
    }

    @Override
    public String toString() {
        return link;
    }
}
