package io.decamp.restorer.engine.image;

import io.decamp.contracts.criu.PstreeEntry;
import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The processes of a dump as {@code pstree.img} lists them, parents before children. */
public record ProcessTree(List<PstreeEntry> processes) {
    /** More than pid_max of any container seen; bounds what a hostile image can make us hold. */
    public static final int MAX_PROCESSES = 1 << 16;

    public ProcessTree {
        processes = List.copyOf(processes);
    }

    public static ProcessTree read(Path images) {
        List<PstreeEntry> processes = new ArrayList<>();
        CriuImageFile.read(images.resolve("pstree.img"), ImageType.PSTREE, (index, message) -> {
            if (index >= MAX_PROCESSES) {
                throw message.bad("at most " + MAX_PROCESSES + " processes", "one more");
            }
            PstreeEntry entry = message.as(PstreeEntry.parser(), "pstree_entry");
            if (entry.getPid() <= 0) {
                throw message.bad("a PID above 0", Integer.toUnsignedString(entry.getPid()));
            }
            processes.add(entry);
        });
        if (processes.isEmpty()) {
            throw DecampException.refused("bad-image", "pstree.img lists no process", "Take a new snapshot");
        }
        return new ProcessTree(processes);
    }

    /** PIDs, as the container sees them, of the processes that have memory: a zombie has no pagemap. */
    public List<Integer> pidsWithMemory(Path images) {
        return processes.stream()
                .map(PstreeEntry::getPid)
                .filter(pid -> Files.exists(pagemap(images, pid)))
                .toList();
    }

    /** Where the pagemap of a process lies. */
    public static Path pagemap(Path images, int containerPid) {
        return images.resolve("pagemap-" + containerPid + ".img");
    }
}
