package io.decamp.introspector.engine.vm.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.port.WorkloadRuntime.Frozen;
import io.decamp.contracts.port.WorkloadRuntime.Hold;
import io.decamp.contracts.port.WorkloadRuntime.State;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Severity;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestWorkload;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A self-checking container in a guest, found, checked, frozen, thawed and killed as any other workload. */
class VmRuntimeTest {
    private static VmLab lab;
    private GuestWorkload container;
    private WorkloadId id;
    private Path parts;

    @BeforeAll
    static void boot() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        Host.requireGuests();
        lab = new VmLab(GuestSpec.named("run").withMemoryMib(512));
    }

    @AfterAll
    static void shutDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @BeforeEach
    void start() {
        container = GuestWorkload.start(lab.guest, ChainSpec.of(16, 500));
        id = lab.id(container.pid());
        parts = lab.settings.memoryDirectory().resolve("parts-" + container.pid());
    }

    @AfterEach
    void end() {
        lab.memory.track(id, 1);
        lab.memory.untrack(id);
        if (lab.runtime.find(id).state() != State.STOPPED) {
            lab.runtime.kill(id);
        }
    }

    @Test
    void shouldFindNothingInTheWayOfAContainer() {
        PreflightReport report = lab.runtime.check(id);
        assertTrue(
                report.getFindingsList().stream().noneMatch(f -> f.getSeverity() == Severity.BLOCKER),
                report::toString);
        assertTrue(report.getProcesses() >= 2 && report.getThreads() > report.getProcesses(), report::toString);
        assertTrue(report.getLazyBytes() > 16 << 20, report::toString);
    }

    @Test
    void shouldHoldAFrozenContainerWhileItsServiceIsStartedAnew() {
        lab.memory.track(id, 1);
        Frozen frozen = lab.runtime.freeze(id, "m1", parts, () -> lab.round(id, Tasks.STOPPED));
        assertTrue(frozen.parts().stream().anyMatch(part -> part.name().equals("pstree.img")), frozen::toString);
        assertTrue(frozen.heldAtUnixMicros() >= frozen.stoppedAtUnixMicros());
        assertEquals(Hold.HELD, lab.runtime.hold(id));
        assertEquals(State.FROZEN, lab.runtime.find(id).state());
        lab.killService();
        assertEquals(Hold.HELD, lab.runtime.hold(id));
        assertEquals(
                "not-running",
                assertThrows(DecampException.class, () -> lab.runtime.freeze(id, "m2", parts, () -> {})).code());
        lab.runtime.thaw(id);
        lab.runtime.thaw(id);
        assertEquals(Hold.NONE, lab.runtime.hold(id));
        assertEquals(State.RUNNING, lab.runtime.find(id).state());
    }

    @Test
    void shouldKillWhatIsFrozenAndKnowThatItIsGone() {
        lab.memory.track(id, 1);
        lab.runtime.freeze(id, "m1", parts, () -> {});
        lab.runtime.kill(id);
        lab.runtime.kill(id);
        assertEquals("workload-not-found", assertThrows(DecampException.class, () -> lab.runtime.find(id)).code());
        assertTrue(container.pidIn(lab.guest).isEmpty());
        container = GuestWorkload.start(lab.guest, ChainSpec.of(16, 500));
        id = lab.id(container.pid());
    }

    @Test
    void shouldNotHoldWhatWasKilledInTheGuestWhileItWasFrozen() {
        lab.memory.track(id, 1);
        lab.runtime.freeze(id, "m1", parts, () -> {});
        lab.guest.shell("kill -9 " + container.pid()).check();
        Await.until("its end", Duration.ofSeconds(20), () -> container.pidIn(lab.guest).isEmpty());
        assertEquals(Hold.NONE, lab.runtime.hold(id));
        lab.runtime.thaw(id);
        lab.runtime.thaw(id);
        container = GuestWorkload.start(lab.guest, ChainSpec.of(16, 500));
        id = lab.id(container.pid());
    }

    @Test
    void shouldReportWhatItCanNotFollowInsteadOfFailing() {
        lab.guest.shell("echo 4 > /proc/sys/vm/nr_hugepages").check();
        WorkloadId huge = lab.start("unmovable", "huge /made");
        Await.until("its mapping", Duration.ofSeconds(20), () -> lab.guest.shell("test -e /made").status() == 0);
        PreflightReport report = lab.runtime.check(huge);
        assertTrue(
                report.getFindingsList().stream().anyMatch(f -> f.getCode().equals("vm-huge-tlb")), report::toString);
        lab.guest.shell("kill -9 " + huge.name() + "; echo 0 > /proc/sys/vm/nr_hugepages").check();
    }

    @Test
    void shouldLetAContainerRunOnWhenItsImagesCanNotBeWritten() {
        lab.memory.track(id, 1);
        DecampException broken = DecampException.abort("test", "the round failed", "none", null);
        assertEquals(broken, assertThrows(DecampException.class, () -> lab.runtime.freeze(id, "m1", parts, () -> {
            throw broken;
        })));
        assertEquals(Hold.NONE, lab.runtime.hold(id));
        assertEquals(State.RUNNING, lab.runtime.find(id).state());
    }

    @Test
    void shouldNotKillWhatWasNeverTracked() {
        assertEquals("workload-not-known", assertThrows(DecampException.class, () -> lab.runtime.kill(id)).code());
        assertFalse(container.pidIn(lab.guest).isEmpty());
    }

    @Test
    void shouldNameAProcessThatIsNoInit() {
        WorkloadId shell = lab.id(1);
        assertEquals("not-namespace-init", assertThrows(DecampException.class, () -> lab.runtime.find(shell)).code());
        WorkloadId nobody = lab.id(999_999);
        assertEquals("workload-not-found", assertThrows(DecampException.class, () -> lab.runtime.find(nobody)).code());
    }

    @Test
    void shouldNotFreezeInAVmThatSomebodyPaused() {
        lab.memory.track(id, 1);
        try (Qmp qmp = Qmp.connect(lab.guest.operatorQmp())) {
            qmp.execute("stop");
            try {
                assertEquals(
                        "vm-paused",
                        assertThrows(DecampException.class, () -> lab.runtime.freeze(id, "m1", parts, () -> {}))
                                .code());
                assertTrue(lab.runtime.check(id).getFindingsList().stream()
                        .anyMatch(f -> f.getCode().equals("vm-paused")));
                lab.round(id, Tasks.RUNNING);
            } finally {
                qmp.execute("cont");
            }
        }
        assertEquals(State.RUNNING, lab.runtime.find(id).state());
    }
}
