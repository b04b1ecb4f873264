package io.decamp.introspector.engine.vm.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.introspector.engine.memory.WorkloadMemorySource;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.vm.GuestSpec;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Replicas that grow while processes of a guest run, compared with their memory when they are frozen. */
class VmMemoryTest {
    private static VmLab lab;
    private WorkloadId workload;

    @BeforeAll
    static void boot() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        Host.requireGuests();
        lab = new VmLab(GuestSpec.named("followed").withMemoryMib(384));
    }

    @AfterAll
    static void shutDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @AfterEach
    void end() {
        if (workload != null) {
            lab.memory.untrack(workload);
            lab.runtime.kill(workload);
        }
    }

    /** Maps, unmaps, moves and drops memory, and forks, all the time. */
    private WorkloadId remapper(String seed) {
        lab.guest.shell("rm -f /go /remapper.log; touch /go").check();
        workload = lab.start(
                "remapper", "--log /remapper.log --go /go --pages 4096 --operations 1000000000 --seed " + seed);
        lab.memory.track(workload, System.nanoTime());
        return workload;
    }

    @Test
    void shouldHaveEveryPageOfAProcessThatRemapsAllTheTime() {
        remapper("7");
        for (int i = 0; i < 3; i++) {
            for (int round = 0; round < 4; round++) {
                lab.round(workload, Tasks.RUNNING);
            }
            MemorySource.Scan last = lab.verify(workload);
            System.out.printf(
                    "scan while held %d us, %d pages of %d%n",
                    last.scanMicros(), last.written().totalPages(), last.trackedBytes() / 4096);
        }
        assertTrue(lab.replica.zeroPages() > 0, "no page was ever dropped");
    }

    @Test
    void shouldGoOnWhereAKilledServiceStopped() {
        remapper("8");
        lab.round(workload, Tasks.RUNNING);
        lab.round(workload, Tasks.RUNNING);
        lab.killService();
        lab.memory.track(workload, 0);
        MemorySource.Scan scan = lab.round(workload, Tasks.RUNNING);
        assertFalse(scan.everything(), "the tracking was lost");
        lab.verify(workload);
    }

    @Test
    void shouldFollowAGuestThatStandsStillInTheMiddleOfAChange() {
        remapper("10");
        lab.round(workload, Tasks.RUNNING);
        try (var few = new ShortOfProcessors(lab.guest.pid())) {
            while (few.stops() < 300) {
                lab.round(workload, Tasks.RUNNING);
            }
        }
        lab.verify(workload);
    }

    /** QEMU's monitor serves one client at a time: who has the VM paused by it can't be asked by another. */
    @Test
    void shouldNotAskQemuWhileItHasItPausedItself() {
        remapper("11");
        var asking = new VmMemory(lab.vms, new VmWorkloads(lab.vms, lab.settings.node()), Duration.ZERO);
        lab.memory.close();
        lab.memory = new WorkloadMemorySource(lab.settings.memoryDirectory(), Map.of("vm", asking));
        lab.memory.track(workload, 0);
        lab.round(workload, Tasks.RUNNING);
        lab.verify(workload);
    }

    @Test
    void shouldLeaveNothingBehindWhenTrackingEnds() throws Exception {
        remapper("9");
        lab.round(workload, Tasks.RUNNING);
        lab.memory.untrack(workload);
        assertFalse(
                Files.readString(java.nio.file.Path.of("/proc/" + lab.guest.pid() + "/smaps")).contains(" uw "),
                "still registered");
        assertFalse(Files.exists(lab.settings.memoryDirectory().resolve("vm-tracking/followed")));
        assertEquals(0, lab.guest.shell("kill -0 " + workload.name()).status());
    }
}
