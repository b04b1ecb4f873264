package io.decamp.restorer.engine.vm;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.CopyRuntime.Held;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.contracts.v1.CgroupValue;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.workload.GuestProcess;
import io.decamp.linux.workload.VmBindings;
import io.decamp.restorer.engine.vm.VmCopyLab.Saved;
import io.decamp.testkit.Await;
import io.decamp.testkit.vm.GuestSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Copies that come to life in a guest, by the criu that is there. */
class VmCopyTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String CGROUPS = "/sys/fs/cgroup/decamp/*/copy/";

    private static VmCopyLab lab;
    private Saved saved;

    @BeforeAll
    static void bootOne() {
        lab = new VmCopyLab(GuestSpec.named("receiver").receiving());
    }

    @AfterAll
    static void endIt() {
        if (lab != null) {
            lab.close();
        }
    }

    @AfterEach
    void endWhatRuns() {
        if (saved != null && lab.guest().alive()) {
            saved.workload().pidIn(lab.guest()).ifPresent(pid -> lab.guest().shell("kill -9 " + pid));
        }
    }

    @Test
    void shouldRunOnWhereItStoppedWhenReleased() {
        saved = lab.saved();
        Held held = lab.copies().prepare(saved.id(), saved.replica(), null);
        String records = lab.read("/tmp/workload/records");
        assertEquals(held.initPid(), saved.workload().pidIn(lab.guest()).orElseThrow());
        assertEquals(Hold.HELD, lab.copies().hold(saved.id()));
        assertEquals(
                "644 12 34 1700000000\n",
                lab.guest().shell("stat -c '%a %u %g %Y' /tmp/workload/records").output());
        // long enough for hundreds of steps
        lab.guest().shell("sleep 2").check();
        assertEquals(records, lab.read("/tmp/workload/records"), "a held copy has executed an instruction");

        lab.copies().release(saved.id());

        assertEquals(Hold.RELEASED, lab.copies().hold(saved.id()));
        saved.workload().awaitGoingOn(lab.guest(), 5);
        assertEquals(
                "299999232\n77\n",
                lab.read(CGROUPS + "memory.max", CGROUPS + "pids.max"),
                "the limits of its cgroup, in whole pages");
        GuestProcess bound = new VmBindings(new NodeId("beta"), lab.settings().stateDirectory())
                .bound(saved.id())
                .orElseThrow();
        assertEquals(held.initPid(), bound.pid());
        assertEquals("receiver", bound.vm());
        assertEquals(lab.read("/proc/sys/kernel/random/boot_id").strip(), bound.bootId());
        assertTrue(lab.read("/proc/" + bound.pid() + "/stat").contains(" " + bound.startTicks() + " "));
        saved.workload().stopAndJudge(lab.guest()).check();
        Await.until("disks are taken out", LIMIT, () -> !lab.leftovers().contains("vd"));
    }

    @Test
    void shouldLeaveNothingBehindWhenDestroyed() throws Exception {
        saved = lab.saved();
        lab.guest().shell("echo other > /tmp/workload/records").check();
        String before = lab.leftovers();
        lab.copies().prepare(saved.id(), saved.replica(), null);
        assertFalse(lab.read("/tmp/workload/records").equals("other\n"));

        lab.copies().destroy(saved.id());

        assertEquals(Hold.NONE, lab.copies().hold(saved.id()));
        assertTrue(saved.workload().pidIn(lab.guest()).isEmpty(), "its processes are dead");
        assertEquals("other\n", lab.read("/tmp/workload/records"), "the file that was there is back");
        assertEquals(1, lab.guest().shell("test -e /tmp/workload/chain.log").status(), "its own file is gone");
        assertEquals(before, lab.leftovers());
        assertDoesNotThrow(() -> lab.copies().destroy(saved.id()), "a second destroy does nothing");
        try (var directories = Files.list(lab.settings().memoryDirectory().resolve("copies"))) {
            assertEquals(0, directories.count(), "links would keep the replica's memory");
        }
    }

    @Test
    void shouldReleaseWhatAnEarlierServiceHasPrepared() {
        saved = lab.saved();
        lab.copies().prepare(saved.id(), saved.replica(), null);
        lab.restarted();
        assertEquals(Hold.HELD, lab.copies().hold(saved.id()));
        // the agent forgets the files it has open
        lab.guest().shell("agent=$(tr '\\0' ' ' < /proc/$(pidof qemu-ga)/cmdline); kill $(pidof qemu-ga);"
                        + " while pidof qemu-ga > /dev/null; do sleep 0.05; done; $agent && pidof qemu-ga")
                .check();
        assertEquals(Hold.HELD, lab.copies().hold(saved.id()));

        lab.copies().release(saved.id());

        saved.workload().awaitGoingOn(lab.guest(), 5);
        lab.restarted();
        assertEquals(Hold.RELEASED, lab.copies().hold(saved.id()));
        assertDoesNotThrow(() -> lab.copies().release(saved.id()), "a second release does nothing");
        DecampException refusal =
                assertThrows(DecampException.class, () -> lab.copies().destroy(saved.id()));
        assertEquals("copy-released", refusal.code());
        saved.workload().stopAndJudge(lab.guest()).check();
        Await.until("disks are taken out", LIMIT, () -> !lab.leftovers().contains("vd"));
    }

    @Test
    void shouldReleaseWhatAnEarlierServiceNotedAsReleasedAndLeftFrozen() {
        saved = lab.saved();
        lab.copies().prepare(saved.id(), saved.replica(), null);
        var records = new VmCopyRecords(lab.settings().stateDirectory());
        VmCopyRecord copy = records.find(saved.id()).orElseThrow();
        records.put(copy.with(new VmCopyRecord.State.Released((VmCopyRecord.State.Held) copy.state())));
        lab.restarted();
        assertEquals(Hold.RELEASING, lab.copies().hold(saved.id()));

        lab.copies().release(saved.id());

        assertEquals(Hold.RELEASED, lab.copies().hold(saved.id()));
        saved.workload().awaitGoingOn(lab.guest(), 5);
        saved.workload().stopAndJudge(lab.guest()).check();
        Await.until("disks are taken out", LIMIT, () -> !lab.leftovers().contains("vd"));
    }

    @Test
    void shouldNameAllThatIsMissing() {
        saved = lab.saved(VmFiles.newBuilder()
                .addRequired(VmCopyLab.required("/opt/it's not there", 0100000, "executable of 9"))
                .addRequired(VmCopyLab.required("/var/nothing", 0040000, "cwd of 9"))
                .addRequired(VmCopyLab.required("/bin/busybox", 0100000, "library of 9").toBuilder().setSize(17)));
        String before = lab.leftovers();

        DecampException e = assertThrows(
                DecampException.class, () -> lab.copies().prepare(saved.id(), saved.replica(), null));

        assertEquals("vm-files-missing", e.code());
        assertTrue(
                e.getMessage().contains("/opt/it's not there (executable of 9), /var/nothing (cwd of 9)"),
                e.getMessage());
        assertTrue(e.getMessage().contains("/bin/busybox with 17 bytes: it has "), e.getMessage());
        assertEquals(Hold.NONE, lab.copies().hold(saved.id()));
        assertEquals(before, lab.leftovers());
    }

    @Test
    void shouldPassOnWhyCriuFailed() {
        saved = lab.saved();
        Path damaged = saved.replica().partsDirectory().resolve("fs-1.img");
        assertDoesNotThrow(() -> Files.write(damaged, new byte[] {1, 2, 3, 4, 5, 6, 7, 8}));
        String before = lab.leftovers();

        DecampException e = assertThrows(
                DecampException.class, () -> lab.copies().prepare(saved.id(), saved.replica(), null));

        assertEquals("restore-failed", e.code());
        assertTrue(e.getMessage().contains("fs-1.img"), e.getMessage());
        assertEquals(Hold.NONE, lab.copies().hold(saved.id()));
        assertEquals(before, lab.leftovers());
    }

    @Test
    void shouldRefuseALimitThatTheGuestCanNotSet() {
        saved = lab.saved(VmFiles.newBuilder()
                .addCgroup(CgroupValue.newBuilder().setFile("cpu.max").setValue("much")));

        DecampException e = assertThrows(
                DecampException.class, () -> lab.copies().prepare(saved.id(), saved.replica(), null));

        assertEquals("vm-cgroup", e.code());
        assertTrue(e.getMessage().contains("cpu.max"), e.getMessage());
        assertEquals(Hold.NONE, lab.copies().hold(saved.id()));
    }

    @Test
    void shouldSayThatTheVmIsPaused() {
        saved = lab.saved();
        lab.copies().prepare(saved.id(), saved.replica(), null);
        try (Qmp operator = Qmp.connect(lab.guest().operatorQmp())) {
            operator.execute("stop");
            try {
                DecampException e =
                        assertThrows(DecampException.class, () -> lab.copies().hold(saved.id()));
                assertEquals("vm-paused", e.code());
            } finally {
                operator.execute("cont");
            }
        }
        assertEquals(Hold.HELD, lab.copies().hold(saved.id()));
        lab.copies().destroy(saved.id());
    }
}
