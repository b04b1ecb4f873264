package io.decamp.introspector.engine.vm.freeze;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.workload.StateFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever happens, the VM runs afterwards, unless somebody else wants it paused. */
class VmPausesTest {
    @TempDir
    Path directory;

    private FakeVm vm;
    private Qmp qmp;
    private StateFile mark;
    private VmPauses pauses;

    @BeforeEach
    void start() throws IOException {
        vm = new FakeVm(directory.resolve("qmp"));
        qmp = Qmp.connect(directory.resolve("qmp"));
        mark = new StateFile(directory.resolve("marks").resolve("a"));
        pauses = new VmPauses("a", qmp, directory.resolve("gdb"), mark);
    }

    @AfterEach
    void end() throws IOException {
        qmp.close();
        vm.close();
    }

    @Test
    void shouldPauseInterruptAndResume() {
        try (PausedVm paused = pauses.pause()) {
            assertEquals("paused", vm.state);
            assertTrue(pauses.isPaused());
            assertTrue(mark.exists());
            paused.interrupt(1);
        }

        assertEquals("running", vm.state);
        assertFalse(pauses.isPaused());
        assertFalse(mark.exists());
        assertFalse(vm.wasTold("cont"));
        assertEquals(1, pauses.count());
    }

    @Test
    void shouldResumeByTheMonitorWhenTheStubBreaksInTheMiddle() {
        vm.answers = body -> body.startsWith("M") ? null : FakeVm.framed(body.equals("?") ? "S05" : "OK");

        assertThrows(DecampException.class, () -> {
            try (PausedVm paused = pauses.pause()) {
                paused.interrupt(0);
            }
        });

        assertEquals("running", vm.state);
        assertFalse(mark.exists());
    }

    @Test
    void shouldResumeByTheMonitorWhenTheStubBreaksAtOnce() {
        vm.answers = body -> null;

        assertThrows(DecampException.class, () -> pauses.pause());

        assertEquals("running", vm.state);
        assertFalse(mark.exists());
        assertFalse(pauses.isPaused());
    }

    @Test
    void shouldLeaveAVmAloneThatSomebodyElsePaused() {
        vm.state = "paused";

        DecampException refusal = assertThrows(DecampException.class, () -> pauses.pause());

        assertEquals("vm-paused", refusal.code());
        assertEquals("paused", vm.state);
        assertFalse(vm.wasTold("cont"));
        assertFalse(pauses.isLeftPaused());
    }

    @Test
    void shouldResumeWhatAnEarlierLifeOfTheServiceLeftPaused() {
        pauses.pause();
        // that life ended: nothing was closed
        VmPauses next = new VmPauses("a", qmp, directory.resolve("gdb"), mark);
        vm.chardevs = "{\"label\": \"gdb\", \"filename\": \"unix:" + directory.resolve("gdb") + ",server=on\"}";
        vm.answers = body -> FakeVm.framed(body.equals("?") ? "S05" : "OK");
        assertTrue(next.isLeftPaused());

        try (PausedVm paused = next.pause()) {
            assertTrue(paused.isInherited());
        }

        assertEquals("running", vm.state);
        assertFalse(next.isLeftPaused());
    }

    @Test
    void shouldNotTakeTheMarkOfAnotherQemuForItsOwn() {
        mark.write(Map.of("qemu", "1", "start", "1"));
        vm.state = "paused";

        assertFalse(pauses.isLeftPaused());
        assertEquals("vm-paused", assertThrows(DecampException.class, () -> pauses.pause()).code());
    }

    @Test
    void shouldNotTakeTheStubFromADebugger() {
        vm.chardevs = "{\"label\": \"gdb\", \"filename\": \"disconnected:tcp:127.0.0.1:1234,server=on\"}";

        DecampException refusal = assertThrows(DecampException.class, () -> pauses.pause());

        assertEquals("vm-gdbstub-taken", refusal.code());
        assertEquals("running", vm.state);
    }
}
