package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Recorded memory of two kernels, read as a live guest's, against what those guests said of themselves. */
class RecordedGuestTest {
    static List<String> names() {
        return RecordedGuest.NAMES;
    }

    @ParameterizedTest
    @MethodSource("names")
    void shouldReadWhatTheGuestSaidOfItself(String name) {
        RecordedGuest guest = RecordedGuest.load(name);

        String differences = GuestFacts.differences(guest.facts(), GuestReadings.of(guest.attach(), guest.init()));

        assertEquals("", differences);
        assertTrue(guest.facts().size() > 40, "a recording of nothing");
    }

    @ParameterizedTest
    @MethodSource("names")
    void shouldFindProcessesByTheirNumberAndNoOthers(String name) {
        RecordedGuest guest = RecordedGuest.load(name);
        GuestTasks tasks = new GuestTasks(guest.attach());

        assertTrue(tasks.isNamespaceInit(tasks.find(guest.init()).orElseThrow()));
        assertFalse(tasks.isNamespaceInit(tasks.find(1).orElseThrow()));
        assertTrue(tasks.find(999_999).isEmpty());
    }

    @ParameterizedTest
    @MethodSource("names")
    void shouldPutParentsBeforeChildren(String name) {
        RecordedGuest guest = RecordedGuest.load(name);
        GuestTasks tasks = new GuestTasks(guest.attach());

        List<KernelObject> members = tasks.inNamespaceOf(tasks.find(guest.init()).orElseThrow());

        assertEquals(guest.init(), members.getFirst().number("pid"));
        for (KernelObject child : members.subList(1, members.size())) {
            int parent = members.indexOf(child.follow("real_parent"));
            assertTrue(parent >= 0 && parent < members.indexOf(child), child + " before its parent");
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void shouldSayWhatIsMissing(String name) {
        GuestKernel kernel = RecordedGuest.load(name).attach();
        KernelObject init = kernel.global("init_task", "task_struct");

        assertFalse(init.has("no_such_member"));
        fault(Reason.TYPE, () -> init.number("no_such_member"));
        fault(Reason.TYPE, () -> init.number("se"));
        fault(Reason.TYPE, () -> init.follow("stack").number(""));
        fault(Reason.TYPE, () -> kernel.object("no_such_struct", init.address()));
        fault(Reason.SYMBOL, () -> kernel.symbol("no_such_symbol"));
        fault(Reason.NULL, () -> init.follow("mm"));
        fault(Reason.UNMAPPED, () -> kernel.u64(0));
        fault(Reason.UNMAPPED, () -> kernel.u64(0x1000_0000));
        fault(Reason.BOUND, () -> kernel.bytes(init.address(), Integer.MAX_VALUE));
        fault(Reason.BOUND, () -> kernel.perCpuAddress("runqueues", 2));
    }

    private static void fault(Reason reason, Runnable read) {
        GuestFault fault = assertThrows(GuestFault.class, read::run);
        assertEquals(reason, fault.reason(), fault.getMessage());
        assertFalse(fault.asDecamp().advice().isEmpty());
    }

    @Test
    void shouldTellBootsApart() {
        String one = RecordedGuest.load("guest-6.1").attach().bootId();

        assertEquals(one, RecordedGuest.load("guest-6.1").attach().bootId());
        assertNotEquals(one, RecordedGuest.load("guest-6.12").attach().bootId());
    }

    @Test
    void shouldSeeThatTheKernelIsNotThereAnyMore() {
        RecordedGuest.Image image = RecordedGuest.load("guest-6.1").image();
        GuestKernel kernel = image.attach();
        kernel.requireSameBoot();

        java.util.Arrays.fill(image.memory(), (byte) 0);

        fault(Reason.REBOOTED, kernel::requireSameBoot);
    }

    @Test
    void shouldSeeABootOfTheSameKernel() {
        RecordedGuest.Image image = RecordedGuest.load("guest-6.1").image();
        GuestKernel kernel = image.attach();
        long canary = kernel.physical(kernel.global("init_task", "task_struct").addressOf("stack_canary"));

        image.memory()[(int) image.ram().fileOffset(canary)] ^= 1;

        fault(Reason.REBOOTED, kernel::requireSameBoot);
    }

    @Test
    void shouldRefuseTablesOfAnotherKernel() {
        RecordedGuest one = RecordedGuest.load("guest-6.1");
        RecordedGuest other = RecordedGuest.load("guest-6.12");

        assertThrows(GuestFault.class, () -> GuestKernel.attach(one.image().ram(), other.info()));
    }

    @Test
    void shouldReadPerCpuVariablesAndOnlineProcessors() {
        GuestKernel kernel = RecordedGuest.load("guest-6.1").attach();

        assertEquals(1, kernel.perCpu("runqueues", "rq", 1).number("cpu"));
        assertTrue(kernel.online(0) && kernel.online(1));
        assertFalse(kernel.online(2));
    }

    @Test
    void shouldTranslateBetweenFramesAndTheirPages() {
        GuestKernel kernel = RecordedGuest.load("guest-6.12").attach();

        assertEquals(0x1234_5000L, kernel.frameOf(kernel.page(0x1234_5678L).address()));
        assertThrows(GuestFault.class, () -> kernel.frameOf(kernel.page(0).address() + 1));
    }
}
