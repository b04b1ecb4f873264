package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.GhostFileEntry;
import io.decamp.contracts.criu.RemapFilePathEntry;
import io.decamp.contracts.criu.RemapType;
import io.decamp.contracts.criu.Timeval;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.image.ImageDirectory;
import io.decamp.introspector.engine.vm.image.ImageFile;
import io.decamp.introspector.engine.vm.image.ImageWriter;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Contents of regular files that travel with the workload: those open for writing beside the images, those without a
 * name as criu's ghost files (criu/files-reg.c). One content an inode, whatever the number of descriptions.
 */
final class Contents {
    /** Is copied while the workload is frozen, into memory, and once more at the destination. */
    static final long MAX_BYTES = 1L << 30;

    private static final long MICROS_PER_SECOND = 1_000_000;

    /** @param size when it was named, as the images say it: others may go on writing to the file */
    private record Named(String path, OpenFile file, long size) {}

    private record Ghost(int id, OpenFile file, long size) {}

    private final PageCache cache;
    private final Refusals refusals;
    private final Map<Long, Named> named = new LinkedHashMap<>();
    private final Map<Long, Ghost> ghosts = new LinkedHashMap<>();
    private final List<RemapFilePathEntry> remaps = new ArrayList<>();
    private long bytes;

    Contents(PageCache cache, Refusals refusals) {
        this.cache = cache;
        this.refusals = refusals;
    }

    /** A file that is open for writing. */
    void travels(String path, OpenFile file) {
        long size = file.inode().size();
        Named known = named.putIfAbsent(file.inode().address(), new Named(path, file, size));
        if (known == null) {
            account(path, file, size);
        } else if (!known.path().equals(path)) {
            refusals.state(
                    file, "is open for writing as " + path + " and as " + known.path() + ": one file, two names");
        }
    }

    /** A file that was removed while it is open. @param entry its number in {@code files.img} */
    void ghost(int entry, String path, OpenFile file) {
        Ghost ghost = ghosts.get(file.inode().address());
        if (ghost == null) {
            ghost = new Ghost(ghosts.size() + 1, file, file.inode().size());
            ghosts.put(file.inode().address(), ghost);
            account(path, file, ghost.size());
        }
        remaps.add(RemapFilePathEntry.newBuilder()
                .setOrigId(entry)
                .setRemapId(ghost.id())
                .setRemapType(RemapType.GHOST)
                .build());
    }

    boolean isTravelling(Inode inode) {
        return named.containsKey(inode.address());
    }

    private void account(String path, OpenFile file, long size) {
        // what is refused does not count: sums of sizes that a guest makes up could come out small
        boolean fits = size >= 0 && size <= MAX_BYTES - bytes;
        bytes += fits ? size : 0;
        if (!fits) {
            refusals.refuse(
                    "file-too-large",
                    file.user() + " is open for writing and has " + size + " bytes: " + path + "; " + MAX_BYTES
                            + " bytes of files may travel with a workload",
                    "Put files of that size on a volume that the destination has too, and open them read-only here");
        } else if (refusals.checksOnly()) {
            present(path, file, () -> cache.requirePresent(file.inode(), size));
        }
    }

    void write(ImageDirectory images, VmFiles.Builder files) {
        int number = 0;
        for (Named content : named.values()) {
            String part = content.size() == 0 ? "" : "content-" + ++number;
            if (!part.isEmpty()) {
                try (ImageWriter writer = images.open(part)) {
                    copy(content.path(), content.file(), content.size(), writer::raw);
                }
            }
            files.addTravelling(described(content, part));
        }
        for (Ghost ghost : ghosts.values()) {
            try (ImageWriter writer = images.open(ImageFile.GHOST_FILE, ghost.id())) {
                writer.message(described(ghost.file().inode()));
                copy("a removed file", ghost.file(), ghost.size(), writer::raw);
            }
        }
        if (!remaps.isEmpty()) {
            images.write(ImageFile.REMAP_FPATH, remaps);
        }
    }

    private void copy(String path, OpenFile file, long size, Consumer<MemorySegment> to) {
        present(path, file, () -> cache.read(file.inode(), size, to));
    }

    /** Reads what the page cache may not have. */
    @FunctionalInterface
    private interface Look {
        void run() throws PageCache.Absent;
    }

    /** @throws DecampException {@code file-not-in-memory} */
    private void present(String path, OpenFile file, Look look) {
        try {
            look.run();
        } catch (PageCache.Absent absent) {
            refusals.refuse(
                    "file-not-in-memory",
                    file.user() + " is open for writing, and its bytes from " + absent.offset()
                            + " on are not in the guest's memory: " + path,
                    "Keep files that the workload writes on a tmpfs, or on a volume that the destination has too");
        }
    }

    private static TravellingFile described(Named content, String part) {
        Inode inode = content.file().inode();
        return TravellingFile.newBuilder()
                .setPath(content.path())
                .setMode(inode.mode())
                .setUid(inode.uid())
                .setGid(inode.gid())
                .setSize(content.size())
                .setMtimeMicros(inode.modificationMicros())
                .setPart(part)
                .build();
    }

    private static GhostFileEntry described(Inode inode) {
        return GhostFileEntry.newBuilder()
                .setUid(inode.uid())
                .setGid(inode.gid())
                .setMode(inode.mode())
                .setDev(inode.fileSystemDevice())
                .setIno(inode.number())
                .setAtim(time(inode.accessMicros()))
                .setMtim(time(inode.modificationMicros()))
                .build();
    }

    private static Timeval time(long micros) {
        return Timeval.newBuilder()
                .setTvSec(micros / MICROS_PER_SECOND)
                .setTvUsec(micros % MICROS_PER_SECOND)
                .build();
    }
}
