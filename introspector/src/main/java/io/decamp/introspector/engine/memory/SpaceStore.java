package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.introspector.engine.memory.SpaceKernels.Listed;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The directory of one workload on tmpfs: its {@link TrackingRecord} and the books of each space. Not thread safe. */
final class SpaceStore {
    private static final String SPACE = "space-";

    /** @param lost a process must be tracked anew: nothing is known of what it wrote meanwhile */
    record Resumed(Map<Listed, SpaceTracker> spaces, boolean lost) {}

    private final Path directory;
    private final SpaceKernels kernels;
    private final TrackingRecord record;
    private final boolean resumed;

    private SpaceStore(Path directory, SpaceKernels kernels) {
        this.directory = directory;
        this.kernels = kernels;
        this.record = TrackingRecord.open(directory);
        this.resumed = !record.entries().isEmpty();
    }

    static SpaceStore open(Path directory, SpaceKernels kernels) {
        return new SpaceStore(directory, kernels);
    }

    /** Whether an earlier service left something to go on with. */
    boolean isResumed() {
        return resumed;
    }

    long generation() {
        return record.generation();
    }

    void generation(long generation) {
        record.save(generation, record.entries());
    }

    long takeId() {
        return record.takeId();
    }

    void save(List<TrackingRecord.Entry> entries) {
        record.save(record.generation(), entries);
    }

    /** The books of a new space. */
    SpaceTracker fresh(AddressSpace space, SpaceKernel kernel) {
        try {
            return new SpaceTracker(space, kernel, directory(space.id()), true);
        } catch (RuntimeException e) {
            kernel.release();
            throw e;
        }
    }

    /** Goes on with what was recorded of processes that are still there; the rest is thrown away. */
    Resumed resume(List<Listed> listing) {
        Map<Integer, Listed> byPid = new HashMap<>();
        listing.forEach(each -> byPid.put(each.pid(), each));
        Map<Listed, SpaceTracker> alive = new LinkedHashMap<>();
        boolean lost = false;
        for (TrackingRecord.Entry entry : record.entries()) {
            Listed process = byPid.get(entry.pid());
            if (process == null || process.startTicks() != entry.startTicks()) {
                continue;
            }
            Optional<SpaceKernel> kernel = kernels.resume(process, entry.spaceId());
            if (kernel.isEmpty()) {
                lost = true;
                continue;
            }
            AddressSpace space = new AddressSpace(entry.spaceId(), entry.containerPid());
            alive.put(process, new SpaceTracker(space, kernel.get(), directory(space.id()), false));
        }
        deleteAllBut(
                alive.values().stream().map(each -> SPACE + each.space().id()).toList());
        return new Resumed(alive, lost);
    }

    /** Leaves nothing behind. */
    void delete() {
        deleteTree(directory);
    }

    private Path directory(long spaceId) {
        return directory.resolve(SPACE + spaceId);
    }

    private void deleteAllBut(List<String> names) {
        try (DirectoryStream<Path> spaces = Files.newDirectoryStream(directory, SPACE + "*")) {
            for (Path space : spaces) {
                if (!names.contains(space.getFileName().toString())) {
                    deleteTree(space);
                }
            }
        } catch (IOException e) {
            throw undeletable(directory, e);
        }
    }

    static void deleteTree(Path root) {
        if (Files.notExists(root)) {
            return;
        }
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw undeletable(root, e);
        }
    }

    private static DecampException undeletable(Path path, IOException cause) {
        return DecampException.abort(
                "memory-directory-unusable",
                "Tracking books in " + path + " can't be deleted",
                "Check the permissions of the memory directory",
                cause);
    }
}
