package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.uffd.UffdEvent;
import io.decamp.linux.uffd.UserFaultFd;
import io.decamp.restorer.engine.lazy.UffdVault.Tag;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rebuilds what a page server that died knew: descriptors from its keepers, maps from its journals. What it had placed is
 * not known and need not be: placing a page again changes nothing.
 *
 * <p>One thing can be lost: a child process whose descriptor had been read from its parent's, and was not yet in a
 * keeper. It runs on zeros; {@link #loss} says so.
 */
final class Succession {
    private record ForkKey(int parent, long generation, int message) {}

    /** A space as rebuilt; its descriptor may be missing. */
    private record Rebuilt(SpaceJournal journal, ServedMap map) {}

    private final LazyDirectory directory;
    private final UffdVault vault;
    private final Map<Integer, FileDescriptor> descriptors = new HashMap<>();
    private final Map<ForkKey, Integer> children = new HashMap<>();
    private final List<Rebuilt> rebuilt = new ArrayList<>();
    private final List<ServedSpace> spaces = new ArrayList<>();
    private final Map<Integer, ReplicaFile> replicas = new HashMap<>();
    private int lastIndex;
    private DecampException loss;

    Succession(LazyDirectory directory, UffdVault vault) {
        this.directory = directory;
        this.vault = vault;
    }

    /** @throws DecampException {@code lazy-keeper-died}, {@code lazy-journal-bad}: nothing can be served */
    void run() {
        for (UffdVault.Stored stored : vault.adopt(directory.saved().keepers())) {
            Tag tag = stored.tag();
            descriptors.put(tag.space(), stored.descriptor());
            lastIndex = Math.max(lastIndex, tag.space());
            if (tag.parent() != 0) {
                children.put(new ForkKey(tag.parent(), tag.generation(), tag.message()), tag.space());
            }
        }
        List<SpaceJournal> journals =
                directory.journals().stream().map(SpaceJournal::open).toList();
        for (SpaceJournal journal : journals) {
            lastIndex = Math.max(lastIndex, journal.space());
        }
        journals.forEach(journal -> rebuild(journal, journal.snapshotMap()));
        openReplicas();
        rebuilt.forEach(this::join);
        descriptors.values().forEach(FileDescriptor::close);
    }

    private void rebuild(SpaceJournal journal, ServedMap map) {
        for (int message = 0; message < journal.size(); message++) {
            int event = journal.event(message);
            if (event == UffdAbi.UFFD_EVENT_FORK) {
                if (!journal.isHandled(message)) {
                    rebuildChild(journal, map, message);
                }
            } else if (event != UffdAbi.UFFD_EVENT_PAGEFAULT) {
                ServedSpace.change(map, UffdEvent.decode(journal.memory(), journal.messageOffset(message)));
            }
        }
        rebuilt.add(new Rebuilt(journal, map));
    }

    private void rebuildChild(SpaceJournal parent, ServedMap map, int message) {
        Integer child = children.get(new ForkKey(parent.space(), parent.generation(), message));
        if (child == null) {
            if (!map.isEmpty()) {
                loss = lost("a child that PID " + parent.containerPid() + " has just forked");
            }
        } else if (!java.nio.file.Files.exists(directory.journal(child))) {
            ServedMap childMap = map.copy();
            rebuilt.add(new Rebuilt(
                    SpaceJournal.create(directory.journal(child), child, parent.containerPid(), childMap), childMap));
        }
        parent.handled(message);
    }

    private void openReplicas() {
        Map<Integer, ServedMap> needed = new HashMap<>();
        for (Rebuilt one : rebuilt) {
            ServedMap origins = needed.computeIfAbsent(one.journal().containerPid(), pid -> new ServedMap());
            one.map().forEach(extent -> origins.put(new ServedMap.Extent(
                    extent.origin(), extent.origin() + extent.length(), extent.origin())));
        }
        needed.forEach((pid, origins) -> {
            if (!origins.isEmpty()) {
                replicas.put(pid, ReplicaFile.open(directory.replica(pid), origins));
            }
        });
    }

    private void join(Rebuilt one) {
        FileDescriptor descriptor = descriptors.remove(one.journal().space());
        if (descriptor == null) {
            if (one.map().isEmpty()) {
                one.journal().delete();
            } else {
                one.journal().close();
                loss = lost("PID " + one.journal().containerPid());
            }
            return;
        }
        one.journal().snapshot(one.map());
        ServedSpace space = new ServedSpace(
                one.journal(), one.map(), replicas.get(one.journal().containerPid()));
        space.attach(new UserFaultFd(descriptor));
        spaces.add(space);
    }

    private static DecampException lost(String whose) {
        return DecampException.fatal(
                "lazy-memory-lost",
                "The page-fault descriptor of " + whose + " died with the page server",
                "Keep the copy frozen and restore it anew from its replica",
                null);
    }

    List<ServedSpace> spaces() {
        return spaces;
    }

    List<ReplicaFile> replicas() {
        return List.copyOf(replicas.values());
    }

    /** Highest number that any space ever had. */
    int lastIndex() {
        return lastIndex;
    }

    /** Null when nothing is lost. */
    DecampException loss() {
        return loss;
    }
}
