package io.decamp.introspector.engine.vm.freeze;

import io.decamp.introspector.engine.vm.guest.AddressSpace;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.QemuMemory;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Await;
import io.decamp.testkit.Victims;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** A guest in which victims/freezable.c runs, with a freezer attached to it. */
final class FreezableGuest implements AutoCloseable {
    /** As in freezable.c. */
    static final int CALLER = 2;

    static final int FORKER = 7;
    static final int ERRORS = 8;

    private static final long COUNTERS = 0x2000_0000_0000L;
    private static final int COUNT = 9;
    private static final int WORKERS = 2;
    private static final Duration START_LIMIT = Duration.ofSeconds(20);

    final GuestVm vm;
    final Path stateDirectory;
    Qmp qmp;
    GuestKernel kernel;
    GuestTasks tasks;
    GuestFreezer freezer;

    FreezableGuest(GuestSpec spec, Path stateDirectory) {
        this.vm = GuestVm.boot(spec);
        this.stateDirectory = stateDirectory;
        try {
            attach();
            vm.shell("dmesg -c > /dev/null").check();
            vm.send(Victims.compiled("freezable"), "/freezable");
        } catch (RuntimeException e) {
            vm.close();
            throw e;
        }
    }

    /** As a service does when it starts. */
    void attach() {
        qmp = Qmp.connect(vm.qmp());
        kernel = QemuMemory.attach(qmp, vm.ram(), null);
        tasks = new GuestTasks(kernel);
        freezer = GuestFreezer.attach(vm.name(), kernel, vm.ram(), qmp, stateDirectory);
    }

    /** As a service does when it ends by itself. */
    void detach() {
        freezer.close();
        kernel.close();
        qmp.close();
    }

    /** @return lists what runs, and nothing when it has ended */
    Supplier<List<KernelObject>> start(String what) {
        vm.shell("rm -f /pid; (/freezable /pid " + what + " > /dev/null 2>&1 &) ; sync").check();
        Await.until("the victim", START_LIMIT, () -> vm.shell("cat /pid 2>/dev/null").output().strip().matches("\\d+"));
        int pid = Integer.parseInt(vm.shell("cat /pid").output().strip());
        return () -> tasks.find(pid)
                .filter(init -> init.number("exit_state") == 0)
                .map(tasks::inNamespaceOf)
                .orElse(List.of());
    }

    /** Burns both processors of the guest until it is shut down or {@link #calm}. */
    void load() {
        vm.shell("for i in 1 2; do (while :; do :; done & echo $! >> /load); done").check();
    }

    void calm() {
        vm.shell("[ ! -f /load ] || kill $(cat /load); rm -f /load");
    }

    /**
     * Counters of the init and its child, as their memory says it now; not of those that the child forks, that have not
     * begun yet, or that end.
     */
    List<long[]> counters(Supplier<List<KernelObject>> workload) {
        List<long[]> all = new ArrayList<>();
        for (KernelObject leader : workload.get().stream().limit(WORKERS).toList()) {
            Optional<KernelObject> memory = leader.tryFollow("mm");
            try {
                memory.map(mm -> AddressSpace.of(mm).bytes(COUNTERS, COUNT * 8)).ifPresent(page -> {
                    long[] counters = new long[COUNT];
                    ByteBuffer.wrap(page)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .asLongBuffer()
                            .get(counters);
                    all.add(counters);
                });
            } catch (GuestFault notMapped) {
                continue;
            }
        }
        return all;
    }

    /**
     * What the guest's kernel had to warn of since the freezer was attached first; that its interrupts take long says
     * something of the host's load, and it says so once.
     */
    String warnings() {
        return vm.shell("dmesg -r | grep '^<[0-4]>' | grep -v 'hrtimer: interrupt took' || true").output().strip();
    }

    @Override
    public void close() {
        try {
            detach();
        } finally {
            vm.close();
        }
    }
}
