package io.decamp.restorer.engine.image;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.SealedReplica;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Joins the image files of a lazy dump, which have no memory, with a replica, which has nothing else. Copies no page.
 *
 * <p>The image files are replaced, never changed in place: they may be hard links to the parts of the replica. Repeating
 * a call does no harm.
 */
public final class ReplicaImages {
    /** Name by which CRIU looks for the parent in an image directory (CR_PARENT_LINK). */
    public static final String PARENT_LINK = "parent";

    private ReplicaImages() {}

    /**
     * Makes the replica the parent of {@code images}, so that a plain {@code criu restore} reads all memory from it.
     *
     * <p>CRIU opens {@code pages-N.img} with the N that the {@code pagemap-PID.img} beside it names, so each process gets
     * an N of its own. They are hard links: CRIU opens them from within the container's mount namespace, where a path
     * to another directory may lead elsewhere.
     *
     * @param parent is created; on the file system of the replica, and beside {@code images} or below it
     * @throws DecampException {@code replica-incomplete} if a process with lazy pages has no memory in the replica
     */
    public static void eager(Path images, Path parent, SealedReplica replica) {
        Map<Integer, Path> files = replicaFiles(replica);
        try {
            Files.createDirectories(parent);
            int pagesId = 0;
            for (int pid : ProcessTree.read(images).pidsWithMemory(images)) {
                Path pagemap = ProcessTree.pagemap(images, pid);
                PagemapImage image = PagemapImage.read(pagemap);
                if (image.lazyRuns().isEmpty() && !inParent(image)) {
                    continue;
                }
                Path file = replicaFile(files, pid);
                PagemapImage.wholeAddressSpace(++pagesId).write(ProcessTree.pagemap(parent, pid));
                Path pages = parent.resolve("pages-" + pagesId + ".img");
                Files.deleteIfExists(pages);
                Files.createLink(pages, file);
                image.eager().write(pagemap);
            }
            Path link = images.resolve(PARENT_LINK);
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, images.toAbsolutePath().relativize(parent.toAbsolutePath()));
        } catch (IOException e) {
            throw DecampException.abort(
                    "image-io",
                    "Can't make " + parent + " the parent of " + images,
                    "Images and replica must lie on one file system with room for a few files",
                    e);
        }
    }

    /**
     * Leaves the lazy pages to a page server and says what it has to serve.
     *
     * @return every process that has memory, also those without lazy pages: CRIU announces them too
     * @throws DecampException {@code replica-incomplete} if a process with lazy pages has no memory in the replica
     */
    public static List<ServedProcess> lazy(Path images, SealedReplica replica) {
        Map<Integer, Path> files = replicaFiles(replica);
        List<ServedProcess> served = new ArrayList<>();
        for (int pid : ProcessTree.read(images).pidsWithMemory(images)) {
            Path pagemap = ProcessTree.pagemap(images, pid);
            PagemapImage image = PagemapImage.read(pagemap).lazy();
            List<PagemapRun> runs = image.lazyRuns();
            Path file = runs.isEmpty() ? files.get(pid) : replicaFile(files, pid);
            served.add(new ServedProcess(pid, file, runs));
            image.write(pagemap);
        }
        return served;
    }

    private static boolean inParent(PagemapImage image) {
        return image.runs().stream().anyMatch(run -> run.is(PagemapRun.PARENT));
    }

    private static Map<Integer, Path> replicaFiles(SealedReplica replica) {
        Map<Integer, Path> files = new HashMap<>();
        for (AddressSpace space : replica.spaces()) {
            if (files.put(space.containerPid(), replica.spaceFile(space.id())) != null) {
                throw DecampException.refused(
                        "replica-incomplete",
                        "The replica has two address spaces for PID " + space.containerPid(),
                        "Take a new final snapshot");
            }
        }
        return files;
    }

    private static Path replicaFile(Map<Integer, Path> files, int pid) {
        Path file = files.get(pid);
        if (file == null || !Files.isRegularFile(file)) {
            throw DecampException.refused(
                    "replica-incomplete",
                    "The memory of PID " + pid + " is not in the replica" + (file == null ? "" : ": no " + file),
                    "Abort the hand-off; the workload is complete at its source");
        }
        return file;
    }
}
