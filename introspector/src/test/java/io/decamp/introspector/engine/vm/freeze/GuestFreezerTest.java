package io.decamp.introspector.engine.vm.freeze;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.freeze.GuestFreezer.Frozen;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.workload.StateFile;
import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.vm.GuestSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One guest, all that can be in the way of a freeze, a thaw and a kill. */
class GuestFreezerTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(700);

    @TempDir
    static Path state;

    private static FreezableGuest guest;
    private Supplier<List<KernelObject>> workload;

    @BeforeAll
    static void boot() {
        Host.requireGuests();
        guest = new FreezableGuest(GuestSpec.named("frost"), state);
    }

    @AfterAll
    static void shutDown() {
        if (guest != null) {
            guest.close();
        }
    }

    @AfterEach
    void requireNothingLeft() {
        if (workload != null) {
            guest.freezer.kill(workload, LIMIT);
        }
        assertEquals("running", guest.qmp.state());
        assertEquals("", guest.warnings());
        assertEquals(0, usedBytesOfCallAreas());
    }

    @Test
    void shouldKillAFrozenWorkloadOfTwoProcesses() {
        workload = guest.start("threads");
        guest.freezer.freeze(workload, LIMIT);

        guest.freezer.kill(workload, LIMIT);

        assertEquals(List.of(), workload.get());
        requireEndBySigkill();
        guest.freezer.kill(workload, LIMIT);
    }

    @Test
    void shouldKillAWorkloadThatRuns() {
        workload = guest.start("forks");

        guest.freezer.kill(workload, LIMIT);

        requireEndBySigkill();
    }

    @Test
    void shouldFreezeAWorkloadThatForksAllTheTime() {
        workload = guest.start("forks");
        Await.until("its child to fork", LIMIT, () -> forks() > 0);
        for (int i = 0; i < 20; i++) {
            guest.freezer.freeze(workload, LIMIT);
            assertEquals(FreezeState.FROZEN, guest.freezer.state(workload));
            List<Long> processes = workload.get().stream().map(KernelObject::address).toList();
            List<long[]> before = guest.counters(workload);
            guest.vm.shell("true").check();
            assertTrue(Arrays.deepEquals(before.toArray(), guest.counters(workload).toArray()), "ran while frozen");
            assertEquals(processes, workload.get().stream().map(KernelObject::address).toList());
            guest.freezer.thaw(workload, LIMIT);
            Await.until("it to fork again", LIMIT, () -> forks() > before.get(1)[FreezableGuest.FORKER]);
        }
        assertEquals(0, guest.counters(workload).get(1)[FreezableGuest.ERRORS]);
    }

    private long forks() {
        List<long[]> counters = guest.counters(workload);
        return counters.size() < 2 ? 0 : counters.get(1)[FreezableGuest.FORKER];
    }

    @Test
    void shouldFreezeMoreThreadsThanCanBeWokenInOnePause() {
        workload = guest.start("many 300");
        Await.until("all its threads", LIMIT, () -> guest.tasks.threads(workload.get().getFirst()).size() == 300);

        Frozen frozen = guest.freezer.freeze(workload, LIMIT);

        assertEquals(300, frozen.threads());
        assertTrue(300 > 2 * CallArea.SLOTS, "one pause is enough");
        guest.freezer.thaw(workload, LIMIT);
        assertEquals(FreezeState.NONE, guest.freezer.state(workload));
    }

    @Test
    void shouldThawAllWhenAThreadStaysInAnUninterruptibleWait() {
        workload = guest.start("vfork 3");
        Await.until("its init to wait for the child", LIMIT, () -> workload.get().size() == 2
                && (workload.get().getFirst().number("__state") & 2) != 0);

        DecampException failure =
                assertThrows(DecampException.class, () -> guest.freezer.freeze(workload, SHORT));

        assertEquals("vm-freeze-timeout", failure.code());
        assertTrue(failure.getMessage().startsWith("1 of 2 threads"), failure.getMessage());
        assertEquals(0, failure.getSuppressed().length);
        assertEquals(FreezeState.NONE, guest.freezer.state(workload));
        long before = guest.counters(workload).getFirst()[FreezableGuest.CALLER];
        Await.until("it to live on", LIMIT, () -> guest.counters(workload).getFirst()[FreezableGuest.CALLER] > before);
    }

    @Test
    void shouldFreezeAndKillWhatIsStoppedBySigstop() {
        workload = guest.start("threads");
        guest.vm.shell("kill -STOP " + pid(1)).check();
        Await.until("all of the child to be stopped", LIMIT, () -> guest.tasks.threads(workload.get().get(1)).stream()
                .allMatch(t -> (t.number("__state") & KernelFacts.TASK_STOPPED) != 0));

        guest.freezer.freeze(workload, LIMIT);
        long[] before = guest.counters(workload).get(1);
        guest.vm.shell("kill -CONT " + pid(1)).check();
        Await.until(
                "all of the child to be in the trap",
                LIMIT,
                () -> guest.freezer.state(workload) == FreezeState.FROZEN);
        assertTrue(Arrays.equals(before, guest.counters(workload).get(1)), "ran by SIGCONT");
        guest.freezer.thaw(workload, LIMIT);
        Await.until("the child to go on", LIMIT, () -> !Arrays.equals(before, guest.counters(workload).get(1)));

        guest.vm.shell("kill -STOP " + pid(1)).check();
        guest.freezer.kill(workload, LIMIT);
        requireEndBySigkill();
    }

    private static long pid(int index, Supplier<List<KernelObject>> workload) {
        return workload.get().get(index).number("pid");
    }

    private long pid(int index) {
        return pid(index, workload);
    }

    @Test
    void shouldRefuseWhatTheGuestHasFrozenItself() {
        workload = guest.start("threads");
        guest.vm.shell("mkdir -p /cg && mount -t cgroup2 none /cg && mkdir -p /cg/w && echo " + pid(1)
                        + " > /cg/w/cgroup.procs && echo 1 > /cg/w/cgroup.freeze")
                .check();

        assertEquals("vm-frozen-by-guest", code(() -> guest.freezer.freeze(workload, LIMIT)));

        guest.vm.shell("echo 0 > /cg/w/cgroup.freeze").check();
        guest.freezer.freeze(workload, LIMIT);
        assertEquals(FreezeState.FROZEN, guest.freezer.state(workload));
        guest.freezer.thaw(workload, LIMIT);
        guest.freezer.kill(workload, LIMIT);
        guest.vm.shell("rmdir /cg/w && umount /cg").check();
    }

    @Test
    void shouldNeitherUseNorResumeAVmThatSomebodyElsePaused() {
        workload = guest.start("threads");
        try (Qmp operator = Qmp.connect(guest.vm.operatorQmp())) {
            operator.execute("stop");

            assertEquals("vm-paused", code(() -> guest.freezer.freeze(workload, LIMIT)));
            assertEquals("vm-paused", code(() -> guest.freezer.kill(workload, LIMIT)));

            assertEquals("paused", operator.state());
            operator.execute("cont");
        }
    }

    @Test
    void shouldKnowAFrozenWorkloadAfterARestart() {
        workload = guest.start("threads");
        guest.freezer.freeze(workload, LIMIT);
        guest.detach();
        guest.attach();

        assertEquals(FreezeState.FROZEN, guest.freezer.state(workload));
        List<long[]> before = guest.counters(workload);
        guest.freezer.thaw(workload, LIMIT);

        Await.until("it to go on", LIMIT, () -> !Arrays.deepEquals(
                before.toArray(), guest.counters(workload).toArray()));
    }

    /** What a SIGKILL of this service does. */
    private static final class Ended extends Error {
        private static final long serialVersionUID = 1;
    }

    @Test
    void shouldTakeOverAVmThatIsPausedInTheMiddleOfAFreeze() {
        workload = guest.start("many 8");
        long references = init().number("rcu_users");
        for (boolean linked : new boolean[] {false, true}) {
            endInTheMiddle(init(), linked);
            assertEquals("paused", guest.qmp.state());
            assertEquals(references + 1, init().number("rcu_users"));
            guest.detach();

            guest.attach();

            assertEquals("running", guest.qmp.state());
            Await.until("the reference to be gone", LIMIT, () -> init().number("rcu_users") == references);
            guest.freezer.freeze(workload, LIMIT);
            guest.freezer.thaw(workload, LIMIT);
        }
    }

    private KernelObject init() {
        return workload.get().getFirst();
    }

    /** With the VM paused, a call written, and in the second case put into the queue but no interrupt sent. */
    private void endInTheMiddle(KernelObject task, boolean linked) {
        Path socket = socket();
        StateFile mark = mark();
        VmPauses pauses = new VmPauses(guest.vm.name(), guest.qmp, socket, mark);
        GuestWriter writer = GuestWriter.open(guest.kernel, guest.vm.ram(), () -> true);
        pauses.pause().close();
        int qemu = guest.qmp.peer().pid();
        mark.write(Map.of(
                "qemu", Integer.toString(qemu),
                "start", Long.toString(ProcessIdentity.of(qemu).orElseThrow().startTicks())));
        GdbStub.pause(socket, LIMIT).close();
        GuestCalls.Batch batch = new GuestCalls(guest.kernel, writer).prepare();
        assertTrue(batch.add(task.address()));
        if (linked) {
            assertThrows(Ended.class, () -> batch.send(new PausedVm() {
                @Override
                public void interrupt(int apicId) {
                    throw new Ended();
                }

                @Override
                public boolean isInherited() {
                    return false;
                }

                @Override
                public void close() {}
            }));
        }
        writer.close();
    }

    private static Path socket() {
        return guest.vm.qmp().resolveSibling(guest.vm.qmp().getFileName() + ".gdb");
    }

    private static StateFile mark() {
        return new StateFile(state.resolve("vm-pauses").resolve(guest.vm.name()));
    }

    @Test
    void shouldTakeBackCallsThatWereNeverSent() {
        workload = guest.start("many 8");
        long references = init().number("rcu_users");
        VmPauses pauses = new VmPauses(guest.vm.name(), guest.qmp, socket(), mark());
        try (GuestWriter writer = GuestWriter.open(guest.kernel, guest.vm.ram(), pauses::isPaused)) {
            GuestCalls calls = new GuestCalls(guest.kernel, writer);
            try (FreezeRound failing = new PausedGuest(guest.kernel, writer, calls, pauses.pause())) {
                failing.wake(new KernelThreads(guest.kernel, workload).list().getFirst());
                assertEquals(references + 1, init().number("rcu_users"));
            }
        }

        assertEquals(references, init().number("rcu_users"));
        assertEquals(0, usedBytesOfCallAreas());
    }

    @Test
    void shouldTakeBackCallsThatTheGuestNeverMade() {
        workload = guest.start("many 8");
        long references = init().number("rcu_users");
        endInTheMiddle(init(), true);
        GuestWriter writer = GuestWriter.open(guest.kernel, guest.vm.ram(), () -> true);

        new GuestCalls(guest.kernel, writer).withdraw();

        assertEquals(references, init().number("rcu_users"));
        assertEquals(0, usedBytesOfCallAreas());
        assertEquals(List.of(), CallArea.of(guest.kernel, 0).queued());
        writer.close();
        guest.detach();
        guest.attach();
        guest.freezer.freeze(workload, LIMIT);
        guest.freezer.thaw(workload, LIMIT);
    }

    @Test
    void shouldRefuseAnotherFileThanTheGuestsMemory() throws Exception {
        Path other = Files.write(state.resolve("other"), new byte[(int) Math.min(1 << 20, guest.kernel.ram().bytes())]);

        assertEquals(
                "vm-ram-not-writable",
                code(() -> GuestFreezer.attach(guest.vm.name(), guest.kernel, other, guest.qmp, state)));
    }

    private static long usedBytesOfCallAreas() {
        long used = 0;
        for (int cpu = 0; cpu < guest.kernel.cpus(); cpu++) {
            CallArea area = CallArea.of(guest.kernel, cpu);
            for (int i = 0; i < CallArea.SLOTS; i++) {
                used += area.isFree(i) ? 0 : CallArea.SLOT_BYTES;
            }
        }
        return used;
    }

    private static void requireEndBySigkill() {
        Await.until("its parent to see the end", LIMIT, () -> guest.vm.shell("cat /pid").output().startsWith("status"));
        assertEquals("status 9", guest.vm.shell("cat /pid").output().strip());
    }

    private static String code(Runnable call) {
        return assertThrows(DecampException.class, call::run).code();
    }
}
