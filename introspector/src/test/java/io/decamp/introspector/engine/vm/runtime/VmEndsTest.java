package io.decamp.introspector.engine.vm.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.port.WorkloadRuntime.Hold;
import io.decamp.contracts.port.WorkloadRuntime.State;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.vm.GuestSpec;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of a workload whose VM ends, or boots anew, while it is followed. */
class VmEndsTest {
    private static final Duration ASK_EVERY = Duration.ofMillis(200);
    /** By TCG it may crash while it boots, and boot again: see GuestVm. */
    private static final Duration REBOOT = Duration.ofSeconds(120);

    private VmLab lab;
    private WorkloadId id;

    @BeforeEach
    void track() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        Host.requireGuests();
        lab = new VmLab(GuestSpec.named("mortal").withMemoryMib(256));
        lab.guest.shell("touch /go").check();
        id = lab.start("remapper", "--log /remapper.log --go /go --pages 1024 --operations 1000000000");
        lab.memory.track(id, 1);
        lab.round(id, Tasks.RUNNING);
    }

    @AfterEach
    void end() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void shouldNameAVmWhoseQemuWasKilled() {
        lab.guest.kill();
        Set<String> said = new HashSet<>();
        Await.until(() -> "the end of QEMU to be seen, until now " + said, Duration.ofSeconds(20), () -> {
            code().ifPresent(said::add);
            return !said.isEmpty();
        });
        assertEquals(Set.of("vm-gone"), said);
        assertEquals(State.STOPPED, lab.runtime.find(id).state());
        assertEquals(State.STOPPED, lab.runtime.find(id).state(), "asked again by who is detached from it");
        assertEquals(Hold.NONE, lab.runtime.hold(id));
        lab.killService();
        assertEquals(State.STOPPED, lab.runtime.find(id).state());
        lab.runtime.kill(id);
        lab.memory.untrack(id);
        assertFalse(Files.exists(lab.settings.memoryDirectory().resolve("vm-tracking/mortal")));
    }

    @Test
    void shouldNameAGuestThatHasBootedAnew() {
        try (Qmp qmp = Qmp.connect(lab.guest.operatorQmp())) {
            qmp.execute("set-action", Map.of("reboot", "reset"));
            qmp.execute("system_reset");
        }
        Set<String> said = new HashSet<>();
        Await.until(() -> "the reboot to be seen, until now " + said + ": " + lab.guest.kernelLog(), REBOOT, () -> {
            // each question stops the VM for a millisecond or two: asked without a break, it would never boot
            LockSupport.parkNanos(ASK_EVERY.toNanos());
            code().ifPresent(said::add);
            return said.contains("vm-rebooted");
        });
        assertEquals(State.STOPPED, lab.runtime.find(id).state());
        assertEquals("vm-rebooted", assertThrows(DecampException.class, () -> lab.runtime.check(id)).code());
        lab.memory.untrack(id);
        System.out.println("while it booted: " + said);
    }

    @Test
    void shouldNameAVmThatWasPoweredOff() {
        try (Qmp qmp = Qmp.connect(lab.guest.operatorQmp())) {
            qmp.execute("set-action", Map.of("shutdown", "pause"));
        }
        lab.guest.shell("(sleep 0.2; poweroff -f) &");
        Await.until("the end of the guest", Duration.ofSeconds(30), () -> {
            try (Qmp qmp = Qmp.connect(lab.guest.operatorQmp())) {
                return qmp.state().equals("shutdown");
            }
        });
        assertEquals("vm-powered-off", assertThrows(DecampException.class, () -> lab.runtime.check(id)).code());
        assertEquals(State.STOPPED, lab.runtime.find(id).state());
        assertEquals(
                "vm-powered-off",
                assertThrows(
                                DecampException.class,
                                () -> lab.runtime.freeze(
                                        id, "m", lab.settings.memoryDirectory().resolve("parts"), () -> {}))
                        .code());
    }

    /** What a scan is refused with. */
    private Optional<String> code() {
        try {
            lab.round(id, Tasks.RUNNING);
            return Optional.empty();
        } catch (DecampException e) {
            return Optional.of(e.code());
        }
    }
}
