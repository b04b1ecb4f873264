package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.qemu.VmRegistry;
import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.ProcessTree;
import io.decamp.restorer.engine.vm.Disks.Disk;
import io.decamp.restorer.engine.vm.VmCopyLab.Saved;
import io.decamp.testkit.Await;
import io.decamp.testkit.vm.GuestSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Disks that a guest has before its workload is frozen elsewhere. */
class StandbyDisksTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int PAGE = 4096;
    private static final String COUNT_DISKS = "ls /sys/block | grep -c vd";

    private static VmCopyLab lab;
    private String before;
    private Saved saved;

    @BeforeAll
    static void bootOne() {
        lab = new VmCopyLab(GuestSpec.named("standby").receiving());
    }

    @AfterAll
    static void endIt() {
        if (lab != null) {
            lab.close();
        }
    }

    private void save() {
        saved = lab.saved();
        before = lab.leftovers();
    }

    @AfterEach
    void requireNothingLeft() {
        if (saved != null) {
            lab.copies().cool(saved.id());
            saved.workload().pidIn(lab.guest()).ifPresent(pid -> lab.guest().shell("kill -9 " + pid));
            Await.until("nothing to be left but " + before, LIMIT, () -> lab.leftovers().equals(before));
        }
    }

    private void awaitDisks(int count) {
        Await.until(count + " disks", LIMIT, () -> lab.guest().shell(COUNT_DISKS).output().strip().equals("" + count));
    }

    private void releaseAndJudge() {
        lab.copies().release(saved.id());
        saved.workload().awaitGoingOn(lab.guest(), 5);
        saved.workload().stopAndJudge(lab.guest()).check();
    }

    @Test
    void shouldReadWhatIsFinalAndNotWhatTheGuestHasReadBefore() throws IOException {
        save();
        AddressSpace space = saved.replica().spaces().getFirst();
        ByteBuffer right = ByteBuffer.allocate(PAGE);
        long page = firstPage(space);
        try (FileChannel file = FileChannel.open(
                saved.replica().spaceFile(space.id()), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            file.read(right, page);
            file.write(ByteBuffer.wrap(new byte[PAGE]), page);
            lab.copies().warm(saved.id(), VmCopyLab.standing(saved.replica()));
            assertEquals(Hold.NONE, lab.copies().hold(saved.id()));
            awaitDisks(saved.replica().spaces().size() + 1);
            // somebody who has a disk open keeps what was read of it in the guest's memory
            lab.guest().shell("for d in /dev/vd*; do sleep 3600 <$d >/dev/null 2>&1 & echo $! >>/holders;"
                            + " until [ \"$(readlink /proc/$!/fd/0)\" = $d ]; do :; done;"
                            + " dd if=$d bs=4096 skip=" + page / PAGE + " count=1 of=/dev/null 2>/dev/null;"
                            + " dd if=$d bs=1M count=1 of=/dev/null 2>/dev/null; done")
                    .check();
            file.write(right.flip(), page);
        }

        lab.copies().prepare(saved.id(), saved.replica(), null);

        assertEquals(Hold.HELD, lab.copies().hold(saved.id()));
        lab.guest().shell("kill $(cat /holders); rm /holders").check();
        releaseAndJudge();
    }

    private long firstPage(AddressSpace space) {
        var pagemap = ProcessTree.pagemap(saved.replica().partsDirectory(), space.containerPid());
        return PagemapImage.read(pagemap).lazyRuns().getFirst().address();
    }

    @Test
    void shouldPlugWhatCameTooLateWhenItIsNeeded() {
        save();
        SealedReplica replica = saved.replica();
        lab.copies().warm(
                saved.id(),
                new StandingReplica(
                        replica.directory(), replica.generation(), replica.spaces().subList(0, 1)));
        awaitDisks(2);

        lab.copies().prepare(saved.id(), replica, null);

        assertEquals("" + (replica.spaces().size() + 1), lab.guest().shell(COUNT_DISKS).output().strip());
        releaseAndJudge();
    }

    @Test
    void shouldPlugLateComersOnceTheyHaveStayed() {
        save();
        SealedReplica replica = saved.replica();
        StandingReplica whole = VmCopyLab.standing(replica);
        lab.copies().warm(
                saved.id(),
                new StandingReplica(
                        replica.directory(), replica.generation(), replica.spaces().subList(0, 1)));
        lab.copies().warm(saved.id(), whole);
        awaitDisks(2);

        lab.copies().warm(saved.id(), whole);

        awaitDisks(replica.spaces().size() + 1);
    }

    @Test
    void shouldPlugADiskOfItsOwnForMoreThanTheOneForTheImagesHolds() throws IOException {
        save();
        lab.copies().warm(saved.id(), VmCopyLab.standing(saved.replica()));
        int inAdvance = saved.replica().spaces().size() + 1;
        awaitDisks(inAdvance);
        Path archive = lab.settings()
                .memoryDirectory()
                .resolve("standby")
                .resolve(saved.id().fileName())
                .resolve("job.tar");
        try (FileChannel disk = FileChannel.open(archive, StandardOpenOption.WRITE)) {
            disk.truncate(PAGE);
        }

        lab.copies().prepare(saved.id(), saved.replica(), null);

        assertEquals("" + (inAdvance + 1), lab.guest().shell(COUNT_DISKS).output().strip());
        releaseAndJudge();
    }

    @Test
    void shouldBeginAnewWhenEndedProcessesLeaveNoRoomForOthers() throws IOException {
        save();
        lab.copies().warm(saved.id(), withProcesses(0, StandbyDisks.MAX_SPACES));
        awaitDisks(StandbyDisks.MAX_SPACES + 1);
        StandingReplica others = withProcesses(StandbyDisks.MAX_SPACES, 2);

        lab.copies().warm(saved.id(), others);

        assertEquals(before, lab.leftovers());
        lab.copies().warm(saved.id(), others);
        awaitDisks(3);
    }

    /** The replica as if it had other processes: so many, numbered from there on. */
    private StandingReplica withProcesses(int from, int count) throws IOException {
        StandingReplica real = VmCopyLab.standing(saved.replica());
        List<AddressSpace> spaces = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            spaces.add(new AddressSpace(1000 + i, 10 + i));
            Files.write(real.spaceFile(1000 + i), new byte[PAGE]);
        }
        return new StandingReplica(real.directory(), real.generation(), spaces);
    }

    @Test
    void shouldTakeThemOutForAnotherGenerationAndWhenItIsNotExpectedAnyMore() {
        save();
        int disks = saved.replica().spaces().size() + 1;
        StandingReplica first = VmCopyLab.standing(saved.replica());
        lab.copies().warm(saved.id(), first);
        awaitDisks(disks);
        StandingReplica second = new StandingReplica(first.directory(), 2, first.spaces());
        lab.copies().warm(saved.id(), second);
        assertEquals(before, lab.leftovers(), "those of the first go");
        lab.copies().warm(saved.id(), second);
        awaitDisks(disks);
        SealedReplica other = saved.replica();

        // generation 1 finds disks of generation 2 and does not use them
        lab.copies().prepare(saved.id(), other, null);
        lab.copies().destroy(saved.id());
        assertEquals(before, lab.leftovers());
        lab.copies().warm(saved.id(), first);
        awaitDisks(disks);

        lab.copies().cool(saved.id());

        assertEquals(before, lab.leftovers());
    }

    @Test
    void shouldBeginAnewWhenTheGuestHasLostADisk() {
        save();
        StandingReplica replica = VmCopyLab.standing(saved.replica());
        lab.copies().warm(saved.id(), replica);
        int disks = replica.spaces().size() + 1;
        awaitDisks(disks);
        try (Qmp operator = Qmp.connect(lab.guest().operatorQmp())) {
            String disk = aDiskInAdvance(operator);
            operator.execute("device_del", Map.of("id", disk));
            operator.awaitEvent("DEVICE_DELETED", data -> data.path("device").asText().equals(disk), LIMIT);
        }

        lab.copies().warm(saved.id(), replica);

        assertEquals(before, lab.leftovers());
        lab.copies().warm(saved.id(), replica);
        awaitDisks(disks);
    }

    @Test
    void shouldTakeOutWhatAnEarlierServiceHasPlugged() {
        save();
        lab.copies().warm(saved.id(), VmCopyLab.standing(saved.replica()));
        awaitDisks(saved.replica().spaces().size() + 1);

        lab.restarted();

        Await.until("its disks to be gone", LIMIT, () -> lab.leftovers().equals(before));
    }

    @Test
    void shouldGiveWayToWhatIsFrozenWhenThereIsNoSlotLeft() {
        save();
        WorkloadId other = new WorkloadId("vm:a/pid:1@alpha");
        lab.copies().warm(other, VmCopyLab.standing(saved.replica()));
        awaitDisks(saved.replica().spaces().size() + 1);
        try (Qmp operator = Qmp.connect(lab.guest().operatorQmp())) {
            int fillers = fill(operator);
            try {
                lab.copies().prepare(saved.id(), saved.replica(), null);

                lab.copies().release(saved.id());
                saved.workload().awaitGoingOn(lab.guest(), 5);
                saved.workload().stopAndJudge(lab.guest()).check();
            } finally {
                for (int i = 0; i < fillers; i++) {
                    operator.execute("device_del", Map.of("id", "filler" + i));
                }
            }
        }
        lab.copies().cool(other);
    }

    /** Who has frozen another workload of this VM needs its monitor at once. */
    @Test
    void shouldLeaveTheMonitorToOthersWhileTheGuestKeepsADisk() throws Exception {
        save();
        lab.copies().warm(saved.id(), VmCopyLab.standing(saved.replica()));
        awaitDisks(saved.replica().spaces().size() + 1);
        FutureTask<Void> cooling = new FutureTask<>(() -> lab.copies().cool(saved.id()), null);
        try (Qmp operator = Qmp.connect(lab.guest().operatorQmp())) {
            String disk = aDiskInAdvance(operator);
            throttle(operator, disk, 1);
            lab.guest().shell("d=/dev/$(basename $(dirname $(grep -lx " + disk + " /sys/block/vd*/serial)));"
                            + " read='dd bs=64k count=1 iflag=direct of=/dev/null'; $read if=$d 2>/dev/null;"
                            + " $read if=$d skip=1 >/dev/null 2>&1 & echo")
                    .check();
            Await.until("a read that goes on", LIMIT, () -> !lab.guest()
                    .shell("cat $(dirname $(grep -lx " + disk + " /sys/block/vd*/serial))/inflight | grep -v ' 0 *0'")
                    .output()
                    .isBlank());
            Thread thread = Thread.ofPlatform().start(cooling);
            Await.until("the guest to be asked", LIMIT, () -> Stream.of(thread.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("awaitGone")));

            try (Qmp other = Qmp.connect(lab.guest().qmp())) {
                assertEquals(disk, aDiskInAdvance(other));
            } finally {
                throttle(operator, disk, 0);
            }
        }
        cooling.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertEquals(before, lab.leftovers());
    }

    /** A guest that is short of processors obeys an order to eject also when others have come to that slot since. */
    @Test
    void shouldKeepWhatCameRightAfterOthersHadLeft() throws IOException {
        Disks disks = new Disks();
        VmRegistration vm = new VmRegistry(lab.settings().stateDirectory()).receiver();
        Path file = Files.write(
                Files.createDirectories(lab.settings().memoryDirectory()).resolve("some-disk"), new byte[1 << 20]);
        lab.guest().shell("for i in 1 2 3; do (while :; do :; done) <&- >&- 2>&- & echo $!; done > /hogs").check();
        try {
            for (int i = 0; i < 12; i++) {
                String mark = "in-turn-" + (char) ('a' + i) + "-";
                List<Disk> four = Stream.of("1", "2", "3", "4")
                        .map(n -> new Disk(mark + n, file))
                        .toList();
                Disks.withMonitor(vm, qmp -> disks.plug(qmp, four));
                for (Disk disk : four) {
                    Await.until("disk " + disk.serial(), LIMIT, () -> lab.guest()
                                    .shell("grep -lx " + disk.serial() + " /sys/block/vd*/serial 2>/dev/null")
                                    .status()
                            == 0);
                }
                disks.unplug(vm, mark);
            }
        } finally {
            lab.guest().shell("kill $(cat /hogs); rm /hogs");
        }
    }

    private static String aDiskInAdvance(Qmp qmp) {
        return StreamSupport.stream(
                        qmp.execute("qom-list", Map.of("path", "/machine/peripheral")).spliterator(), false)
                .map(device -> device.path("name").asText())
                .filter(name -> name.matches("dc[0-9a-f]{8}-s1"))
                .findFirst()
                .orElseThrow();
    }

    /** @param bytesPerSecond 0 for all there are */
    private static void throttle(Qmp operator, String disk, long bytesPerSecond) {
        operator.execute(
                "block_set_io_throttle",
                Map.of(
                        "id", "/machine/peripheral/" + disk + "/virtio-backend",
                        "bps", bytesPerSecond,
                        "bps_rd", 0,
                        "bps_wr", 0,
                        "iops", 0,
                        "iops_rd", 0,
                        "iops_wr", 0));
    }

    /** @return how many devices it takes until no slot is left */
    private static int fill(Qmp operator) {
        int fillers = 0;
        for (var place : Slots.freeOnRootBus(operator.execute("query-pci"))) {
            operator.execute(
                    "device_add",
                    Map.of(
                            "driver", "pci-testdev",
                            "id", "filler" + fillers,
                            "addr", Integer.toHexString(place.number())));
            fillers++;
        }
        assertTrue(fillers > 0);
        return fillers;
    }
}
