package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.contracts.v1.CgroupValue;
import io.decamp.contracts.v1.RequiredFile;
import io.decamp.contracts.v1.TravellingFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.PagemapRun;
import io.decamp.restorer.engine.image.ProcessTree;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Command;
import io.decamp.testkit.Host;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import io.decamp.testkit.vm.GuestWorkload;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A guest that a workload leaves, saved by the guest's own criu, and comes back to as a copy. What the introspector
 * would save from outside has the same form.
 */
final class VmCopyLab implements AutoCloseable {
    static final ChainSpec SPEC = ChainSpec.of(8, 256).withTree(1, 2);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final List<String> LOGS =
            List.of("/tmp/workload/chain.log", "/tmp/workload/records", "/tmp/workload/records.errors");

    private final Path directory;
    private final NodeSettings settings;
    private final GuestVm guest;
    private VmCopy copies;

    /** A replica, and how far the workload had got. */
    record Saved(GuestWorkload workload, WorkloadId id, SealedReplica replica) {}

    VmCopyLab(GuestSpec spec) {
        Host.requireGuests();
        directory = Scratch.onTmpfs("vm-copy-lab");
        settings = new NodeSettings(
                new NodeId("beta"),
                directory.resolve("state"),
                directory.resolve("memory"),
                "/unused",
                List.of(),
                List.of());
        guest = GuestVm.boot(spec);
        guest.register(settings.stateDirectory());
        restarted();
    }

    NodeSettings settings() {
        return settings;
    }

    GuestVm guest() {
        return guest;
    }

    VmCopy copies() {
        return copies;
    }

    /** Another object over the same directories: all that a service has after its restart. */
    VmCopy restarted() {
        if (copies != null) {
            copies.close();
        }
        copies = new VmCopy(settings);
        copies.start();
        return copies;
    }

    /** Starts a workload, lets it run for a while, and takes it out of the guest with its logs. */
    Saved saved() {
        return saved(VmFiles.newBuilder());
    }

    Saved saved(VmFiles.Builder files) {
        GuestWorkload workload = GuestWorkload.start(guest, SPEC);
        workload.awaitGoingOn(guest, 5);
        Path images = directory.resolve("images-" + UUID.randomUUID());
        Path archive = directory.resolve("dump.tar");
        guest.shell("rm -rf /run/images && mkdir /run/images && criu dump -D /run/images -v2 -o dump.log -t "
                        + workload.pid() + " || { tail -n 20 /run/images/dump.log; false; }", LIMIT)
                .check();
        Await.until("the end of what was dumped", LIMIT, () -> workload.pidIn(guest).isEmpty());
        guest.shell("cd /run/images && tar cf /run/dump.tar *.img " + String.join(" ", LOGS)).check();
        guest.fetch("/run/dump.tar", archive);
        guest.shell("rm -rf /run/dump.tar /run/images " + String.join(" ", LOGS)).check();
        try {
            Files.createDirectories(images);
            assertEquals(0, Command.run("tar", "xf", archive.toString(), "-C", images.toString()).status());
            WorkloadId id = new WorkloadId("vm:a/pid:" + workload.pid() + "@alpha");
            return new Saved(workload, id, replica(images, files));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As the other engines would have it: memory by virtual address, the rest in parts. */
    private SealedReplica replica(Path images, VmFiles.Builder files) throws IOException {
        Path replica = settings.memoryDirectory().resolve("replica-" + UUID.randomUUID());
        Path parts = Files.createDirectories(replica.resolve("parts"));
        try (Stream<Path> all = Files.list(images)) {
            for (Path image : all.filter(Files::isRegularFile).toList()) {
                Files.copy(image, parts.resolve(image.getFileName()));
            }
        }
        List<AddressSpace> spaces = new ArrayList<>();
        for (int pid : ProcessTree.read(parts).pidsWithMemory(parts)) {
            spaces.add(new AddressSpace(100 + pid, pid));
            separate(parts, pid, replica.resolve("space-" + (100 + pid)));
        }
        for (int i = 0; i < LOGS.size(); i++) {
            Path log = images.resolve(LOGS.get(i).substring(1));
            files.addTravelling(TravellingFile.newBuilder()
                    .setPath(LOGS.get(i))
                    .setMode(0100644)
                    .setUid(12)
                    .setGid(34)
                    .setMtimeMicros(1_700_000_000_000_000L)
                    .setSize(Files.size(log))
                    .setPart(Files.size(log) == 0 ? "" : "content-" + i));
            if (Files.size(log) > 0) {
                Files.copy(log, parts.resolve("content-" + i));
            }
        }
        files.addRequired(required("/tmp/workload/guards", 0100000, "executable of 1"));
        files.addRequired(required("/", 0040000, "cwd of 1"));
        files.addRequired(required("/dev/null", 0020000, "descriptor 0 of 1"));
        files.addCgroup(CgroupValue.newBuilder().setFile("memory.max").setValue("300000000"));
        files.addCgroup(CgroupValue.newBuilder().setFile("pids.max").setValue("77"));
        Files.write(parts.resolve(JobFiles.FILES_PART), files.build().toByteArray());
        return new SealedReplica(replica, 1, 1, new byte[32], spaces, List.of());
    }

    /** The same before it was final. */
    static StandingReplica standing(SealedReplica replica) {
        return new StandingReplica(replica.directory(), replica.generation(), replica.spaces());
    }

    static RequiredFile required(String path, int kind, String user) {
        return RequiredFile.newBuilder().setPath(path).setKind(kind).setSize(-1).setUser(user).build();
    }

    /** Moves all pages but those of the last run out of the images into a file whose offset is the address. */
    private static void separate(Path parts, int pid, Path space) throws IOException {
        PagemapImage image = PagemapImage.read(ProcessTree.pagemap(parts, pid));
        Path pages = parts.resolve("pages-" + image.pagesId() + ".img");
        List<PagemapRun> runs = new ArrayList<>();
        ByteBuffer rest = ByteBuffer.allocate(0);
        try (FileChannel from = FileChannel.open(pages);
                FileChannel to = FileChannel.open(space, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (PagemapRun run : image.runs()) {
                ByteBuffer content = ByteBuffer.allocate((int) run.length());
                while (content.hasRemaining() && from.read(content) >= 0) {
                    continue;
                }
                content.flip();
                if (run == image.runs().getLast()) {
                    rest = content;
                    runs.add(new PagemapRun(run.address(), run.pages(), PagemapRun.PRESENT));
                } else {
                    to.write(content, run.address());
                    runs.add(new PagemapRun(run.address(), run.pages(), PagemapRun.LAZY | PagemapRun.PRESENT));
                }
            }
        }
        Files.write(pages, rest.array());
        new PagemapImage(image.pagesId(), runs).write(ProcessTree.pagemap(parts, pid));
    }

    /** What the guest has of restores: their cgroups, copies, mounts, disks. */
    String leftovers() {
        return guest.shell("ls -d /sys/fs/cgroup/decamp/*/job 2>/dev/null;"
                        + " grep -l 'populated 1' /sys/fs/cgroup/decamp/*/cgroup.events 2>/dev/null;"
                        + " grep /run/decamp /proc/mounts;"
                        + " ls /run/decamp 2>/dev/null | grep -v rehearsed; ls /sys/block;"
                        + " find / -xdev -name '*.decamp-*' 2>/dev/null")
                .output()
                .strip();
    }

    /** The contents of files in the guest. */
    String read(String... files) {
        return guest.shell("cat " + String.join(" ", files)).output();
    }

    @Override
    public void close() {
        copies.close();
        guest.close();
        Trees.delete(directory);
    }
}
