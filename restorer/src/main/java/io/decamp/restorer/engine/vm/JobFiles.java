package io.decamp.restorer.engine.vm;

import static io.decamp.contracts.page.PageRuns.PAGE_BYTES;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.AddressSpace;
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
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * All that a guest needs to restore a copy, as disks: each process's memory is the replica's own file, whose offset
 * is the virtual address; all the rest is in one archive.
 *
 * @param disks that are still to be plugged
 * @param jobDisk serial number of the one with the archive
 * @param archiveBytes of that disk; what is behind them means nothing
 * @param memoryBytes that the copy will take
 */
record JobFiles(List<Disk> disks, String jobDisk, long archiveBytes, long memoryBytes) {
    /** Holds a {@link VmFiles} message. */
    static final String FILES_PART = "vm-files.img";

    private static final Pattern PAGES = Pattern.compile("pages-([1-9][0-9]{0,9})\\.img");

    /**
     * @param directory is made anew, on the file system of the replica; the disks' files are in it, and may be
     *     removed once somebody has them open
     * @param standby what is plugged already
     * @throws DecampException {@code image-io}, {@code bad-image}, {@code replica-incomplete}
     */
    static JobFiles make(
            GuestJob job, Path directory, SealedReplica replica, Optional<StandbyDisks.Plugged> standby) {
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
            Map<Object, String> plugged = pluggedFiles(replica, standby);
            List<Disk> disks = new ArrayList<>();
            Map<Integer, String> serials = new TreeMap<>();
            for (Map.Entry<Integer, Path> pages : pages(parent).entrySet()) {
                String serial = plugged.get(fileKey(pages.getValue()));
                if (serial == null) {
                    serial = job.spaceDisk(pages.getKey());
                    disks.add(new Disk(serial, pages.getValue()));
                }
                serials.put(pages.getKey(), serial);
            }
            long bytes = memoryBytes(images) + contentBytes(files);
            String script = JobScript.of(job, serials, standby.isPresent(), bytes, files);
            Path archive = directory.resolve("job.tar");
            try (TarFile tar = new TarFile(archive)) {
                scripts(tar, script, directory);
                contents(tar, replica, files);
                images(tar, images, parent);
            }
            long archiveBytes = Files.size(archive);
            if (standby.isPresent() && archiveBytes <= Files.size(standby.get().archive())) {
                overwrite(standby.get().archive(), archive);
                return new JobFiles(disks, job.jobDisk(), archiveBytes, bytes);
            }
            String serial = standby.isPresent() ? job.largeJobDisk() : job.jobDisk();
            // the last one that is plugged: when it is there, all are
            disks.add(new Disk(serial, archive));
            return new JobFiles(disks, serial, archiveBytes, bytes);
        } catch (IOException e) {
            throw DecampException.abort(
                    "image-io",
                    "Can't make the disks of a copy in " + directory + " from " + replica.directory(),
                    "Replica and memory directory must lie on one file system, with room for the images",
                    e);
        }
    }

    /** Serial numbers of plugged disks by what the file system knows their files by: pages are hard links to them. */
    private static Map<Object, String> pluggedFiles(SealedReplica replica, Optional<StandbyDisks.Plugged> standby)
            throws IOException {
        Map<Object, String> plugged = new HashMap<>();
        if (standby.isPresent()) {
            Map<Long, String> serials = standby.get().serials();
            for (AddressSpace space : replica.spaces()) {
                if (serials.containsKey(space.id())) {
                    plugged.put(fileKey(replica.spaceFile(space.id())), serials.get(space.id()));
                }
            }
        }
        return plugged;
    }

    private static Object fileKey(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    /** The file stays as long as it is: a disk does not change its size. */
    private static void overwrite(Path disk, Path content) throws IOException {
        try (FileChannel from = FileChannel.open(content);
                FileChannel to = FileChannel.open(disk, StandardOpenOption.WRITE)) {
            for (long done = 0; done < from.size(); ) {
                done += from.transferTo(done, from.size() - done, to);
            }
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
