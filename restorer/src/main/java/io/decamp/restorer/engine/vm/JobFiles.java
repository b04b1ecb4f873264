package io.decamp.restorer.engine.vm;

import static io.decamp.contracts.page.PageRuns.PAGE_BYTES;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.linux.command.GateScript;
import io.decamp.linux.command.JobDirectory;
import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.PagemapRun;
import io.decamp.restorer.engine.image.ProcessTree;
import io.decamp.restorer.engine.image.ReplicaImages;
import io.decamp.restorer.engine.vm.Disks.Disk;
import io.decamp.restorer.engine.vm.TarFile.Attributes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * All that a guest needs to restore a copy, as disks: each process's memory is the replica's own file, whose offset
 * is the virtual address; all the rest is in one archive.
 *
 * @param memoryBytes that the copy will take
 */
record JobFiles(List<Disk> disks, long memoryBytes) {
    /** Holds a {@link VmFiles} message. */
    static final String FILES_PART = "vm-files.img";

    private static final Pattern PAGES = Pattern.compile("pages-([1-9][0-9]{0,9})\\.img");

    /**
     * @param directory is made anew, on the file system of the replica; the disks' files are in it, and may be
     *     removed once somebody has them open
     * @throws DecampException {@code image-io}, {@code bad-image}, {@code replica-incomplete}
     */
    static JobFiles make(GuestJob job, Path directory, SealedReplica replica) {
        JobDirectory.create(directory);
        Path images = directory.resolve("images");
        Path parent = directory.resolve("parent");
        try {
            Files.createDirectories(images);
            VmFiles files = files(replica);
            Map<String, TravellingFile> contents = contents(files);
            for (Path part : list(replica.partsDirectory())) {
                String name = part.getFileName().toString();
                if (!name.equals(FILES_PART) && !contents.containsKey(name)) {
                    Files.createLink(images.resolve(name), part);
                }
            }
            ReplicaImages.eager(images, parent, replica);
            List<Disk> disks = new ArrayList<>();
            Map<Integer, Path> pages = pages(parent);
            pages.forEach((n, file) -> disks.add(new Disk(job.spaceDisk(n), file)));
            long bytes = memoryBytes(images) + contentBytes(files);
            Path archive = directory.resolve("job.tar");
            String script = JobScript.of(job, pages.keySet(), bytes, files);
            try (TarFile tar = new TarFile(archive)) {
                scripts(tar, script, directory);
                contents(tar, replica, files);
                images(tar, images, parent);
            }
            // the last one that is plugged: when it is there, all are
            disks.add(new Disk(job.jobDisk(), archive));
            return new JobFiles(disks, bytes);
        } catch (IOException e) {
            throw DecampException.abort(
                    "image-io",
                    "Can't make the disks of a copy in " + directory + " from " + replica.directory(),
                    "Replica and memory directory must lie on one file system, with room for the images",
                    e);
        }
    }

    private static VmFiles files(SealedReplica replica) throws IOException {
        Path part = replica.partsDirectory().resolve(FILES_PART);
        if (!Files.exists(part)) {
            throw DecampException.refused(
                    "bad-image",
                    "The replica in " + replica.directory() + " has no " + FILES_PART + ": it was not saved from a VM",
                    "Only what runs in a VM can move into one");
        }
        return VmFiles.parseFrom(Files.readAllBytes(part));
    }

    private static Map<String, TravellingFile> contents(VmFiles files) {
        Map<String, TravellingFile> byPart = new TreeMap<>();
        for (TravellingFile file : files.getTravellingList()) {
            if (!file.getPart().isEmpty()) {
                byPart.put(file.getPart(), file);
            }
        }
        return byPart;
    }

    private static void scripts(TarFile tar, String job, Path directory) throws IOException {
        tar.file("job.sh", Attributes.OURS, job.getBytes(StandardCharsets.UTF_8));
        tar.file("restore.sh", Attributes.OURS, GuestScript.RESTORE.text().getBytes(StandardCharsets.UTF_8));
        tar.file("gate.sh", Attributes.OURS_TO_RUN, GateScript.HOLD_COPY.install(directory));
    }

    private static void contents(TarFile tar, SealedReplica replica, VmFiles files) throws IOException {
        tar.directory("contents");
        List<TravellingFile> travelling = files.getTravellingList();
        for (int i = 0; i < travelling.size(); i++) {
            TravellingFile file = travelling.get(i);
            Attributes attributes = new Attributes(
                    file.getMode(), file.getUid(), file.getGid(), Math.floorDiv(file.getMtimeMicros(), 1_000_000L));
            if (file.getPart().isEmpty()) {
                tar.file("contents/" + i, attributes, new byte[0]);
                continue;
            }
            Path content = replica.partsDirectory().resolve(file.getPart());
            if (!content.getParent().equals(replica.partsDirectory())
                    || !Files.isRegularFile(content)
                    || Files.size(content) != file.getSize()) {
                throw DecampException.refused(
                        "bad-image",
                        "Part '" + file.getPart() + "' is not the content of " + file.getPath() + " with "
                                + file.getSize() + " bytes",
                        "Take a new final snapshot");
            }
            tar.file("contents/" + i, attributes, content);
        }
    }

    /** The links to the replica stay behind: the guest makes its own, to the disks. */
    private static void images(TarFile tar, Path images, Path parent) throws IOException {
        tar.directory("images");
        for (Path image : list(images)) {
            if (Files.isRegularFile(image)) {
                tar.file("images/" + image.getFileName(), Attributes.OURS, image);
            }
        }
        tar.directory("images/" + ReplicaImages.PARENT_LINK);
        for (Path image : list(parent)) {
            if (!PAGES.matcher(image.getFileName().toString()).matches()) {
                tar.file("images/" + ReplicaImages.PARENT_LINK + "/" + image.getFileName(), Attributes.OURS, image);
            }
        }
    }

    /** The files of the replica by the N that the parent's images name. */
    private static Map<Integer, Path> pages(Path parent) throws IOException {
        Map<Integer, Path> pages = new TreeMap<>();
        for (Path file : list(parent)) {
            Matcher matcher = PAGES.matcher(file.getFileName().toString());
            if (matcher.matches()) {
                pages.put(Integer.valueOf(matcher.group(1)), file);
            }
        }
        return pages;
    }

    private static long memoryBytes(Path images) {
        long bytes = 0;
        for (int pid : ProcessTree.read(images).pidsWithMemory(images)) {
            for (PagemapRun run : PagemapImage.read(ProcessTree.pagemap(images, pid)).runs()) {
                bytes += run.pages() * PAGE_BYTES;
            }
        }
        return bytes;
    }

    private static long contentBytes(VmFiles files) {
        return files.getTravellingList().stream().mapToLong(TravellingFile::getSize).sum();
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }
}
