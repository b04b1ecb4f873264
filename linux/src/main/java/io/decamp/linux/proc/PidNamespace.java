package io.decamp.linux.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The processes of a PID namespace, nested namespaces included, found through /proc. A snapshot: whoever needs all of
 * them while they fork asks again until nothing is new.
 */
public final class PidNamespace {
    /**
     * A process there. {@code pid} is ours, {@code innerPid} the one in the namespace of the init that was asked for.
     */
    public record Member(int pid, int innerPid) {}

    private static final Path PROC = Path.of("/proc");

    private PidNamespace() {}

    /** @return {@code pid:[4026531836]}; empty when the process is gone */
    public static Optional<String> linkOf(int pid) {
        return link(ProcFs.path(pid, "ns/pid"));
    }

    /** The namespace that new children of a process are put into: another one than its own after unshare. */
    public static Optional<String> linkForChildrenOf(int pid) {
        return link(ProcFs.path(pid, "ns/pid_for_children"));
    }

    /** True when it is PID 1 of a namespace below ours. */
    public static boolean isInit(int pid) {
        return ProcessStatus.ofProcess(pid)
                .filter(status -> status.namespacePids().size() > 1 && status.innermostPid() == 1)
                .isPresent();
    }

    /**
     * All processes (not threads) in the namespace of {@code initPid} and in those below it, zombies included, ordered
     * by
     * our PID.
     *
     * @throws IllegalArgumentException when {@code initPid} is not the init of a PID namespace below ours
     */
    public static List<Member> members(int initPid) {
        ProcessStatus init = ProcessStatus.ofProcess(initPid)
                .orElseThrow(() -> new IllegalArgumentException("no process " + initPid));
        int depth = init.namespacePids().size();
        if (depth < 2 || init.innermostPid() != 1) {
            throw new IllegalArgumentException("process " + initPid + " is not the init of a PID namespace of its own");
        }
        String wanted = linkOf(initPid).orElseThrow(() -> new IllegalArgumentException("no process " + initPid));
        List<Member> members = new ArrayList<>();
        for (int pid : processes()) {
            ProcessStatus status = ProcessStatus.ofProcess(pid).orElse(null);
            if (status != null && status.namespacePids().size() >= depth && isBelow(pid, status, depth, wanted)) {
                members.add(new Member(pid, status.namespacePids().get(depth - 1)));
            }
        }
        return members;
    }

    /** The threads of a process, in our numbers; empty when it is gone. */
    public static List<Integer> threads(int pid) {
        return numbers(ProcFs.path(pid, "task"));
    }

    /** All processes that we see. */
    public static List<Integer> processes() {
        return numbers(PROC);
    }

    /**
     * A process at the depth of the namespace shows its link. A deeper one is in it when an ancestor is: the parents
     * of a
     * namespace's init are outside of it, all others inside, so following them leads to one at that depth.
     */
    private static boolean isBelow(int pid, ProcessStatus status, int depth, String wanted) {
        int current = pid;
        ProcessStatus at = status;
        while (at.namespacePids().size() > depth) {
            current = at.parent();
            at = current == 0 ? null : ProcessStatus.ofProcess(current).orElse(null);
            if (at == null) {
                return false;
            }
        }
        return at.namespacePids().size() == depth && linkOf(current).filter(wanted::equals).isPresent();
    }

    private static List<Integer> numbers(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> Character.isDigit(name.charAt(0)))
                    .map(Integer::valueOf)
                    .sorted()
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException | UncheckedIOException e) {
            if (Files.exists(directory)) {
                throw new IllegalStateException("Can't list " + directory, e);
            }
            return List.of();
        }
    }

    private static Optional<String> link(Path path) {
        try {
            return Optional.of(Files.readSymbolicLink(path).toString());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            if (Files.exists(path.getParent().getParent())) {
                throw new UncheckedIOException(e);
            }
            return Optional.empty();
        }
    }
}
