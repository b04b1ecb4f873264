package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.workload.StateFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Freezes, thaws and kills workloads of one VM from outside: sets the trap of the guest kernel's own cgroup freezer
 * on each thread, and has the kernel wake those that sleep. No signal is used up, no parent is told. Nothing is
 * remembered here: {@link #state} is what guest memory says, so it survives a restart of this service, and every call
 * is idempotent.
 *
 * <p>A frozen workload stays so until {@link #thaw} or {@link #kill}, unless the guest itself writes its cgroup's
 * freezer or moves it to another cgroup: {@link #state} shows it. Thread safe: one freeze, thaw or kill of a VM at a
 * time.
 */
public final class GuestFreezer implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(GuestFreezer.class);

    private static final long LOOK_EVERY_NANOS = 100_000;

    /**
     * What a freeze took.
     *
     * @param took from the call until all threads were seen at rest
     * @param stopping of that, from before the first thread was trapped: until then the workload ran as always
     * @param pauses how often the VM was paused for it
     * @param paused for how long together
     */
    public record Frozen(
            int processes, int threads, Duration took, Duration stopping, int pauses, Duration paused) {}

    private final String vm;
    private final GuestKernel kernel;
    private final VmPauses pauses;
    private final GuestWriter writer;
    private final GuestCalls calls;
    private final Machine machine = new Machine();

    private GuestFreezer(String vm, GuestKernel kernel, VmPauses pauses, GuestWriter writer) {
        this.vm = vm;
        this.kernel = kernel;
        this.pauses = pauses;
        this.writer = writer;
        this.calls = new GuestCalls(kernel, writer);
    }

    /**
     * Resumes the VM when an earlier life of this service left it paused. Otherwise nothing is changed yet.
     *
     * @param ramFile the VM's RAM, to be opened for writing; {@code /proc/PID/fd/N} of QEMU will do
     * @param qmp stays the caller's; used until {@link #close}
     * @param stateDirectory of the service: keeps a mark while the VM is paused
     * @throws DecampException {@code vm-freeze-unsupported}, {@code vm-ram-not-writable}
     */
    public static GuestFreezer attach(String vm, GuestKernel kernel, Path ramFile, Qmp qmp, Path stateDirectory) {
        KernelProof.require(kernel);
        Path socket = qmp.path().resolveSibling(qmp.path().getFileName() + ".gdb");
        StateFile mark = new StateFile(stateDirectory.resolve("vm-pauses").resolve(vm));
        VmPauses pauses = new VmPauses(vm, qmp, socket, mark);
        GuestWriter writer = GuestWriter.open(kernel, ramFile, pauses::isPaused);
        try {
            GuestFreezer freezer = new GuestFreezer(vm, kernel, pauses, writer);
            if (pauses.isLeftPaused()) {
                freezer.machine.begin().close();
            }
            return freezer;
        } catch (RuntimeException | Error e) {
            pauses.close();
            writer.close();
            throw e;
        }
    }

    /**
     * Returns when no thread can run user code any more, those included that appeared meanwhile. When it fails, all
     * threads run again.
     *
     * @param leaders lists the workload's processes anew at each call; empty when none is left
     * @throws DecampException {@code vm-freeze-timeout} names the threads that did not stop; {@code vm-task-traced},
     *     {@code vm-frozen-by-guest}, {@code vm-no-process}, {@code vm-paused}, {@code vm-gone}
     */
    public synchronized Frozen freeze(Supplier<List<KernelObject>> leaders, Duration limit) {
        return named(() -> work(leaders).freeze(limit));
    }

    /** Reads only. The guest may run: asked in the middle of a change it may say FREEZING. */
    public FreezeState state(Supplier<List<KernelObject>> leaders) {
        return named(() -> work(leaders).state());
    }

    /**
     * Returns when all threads are out of the trap.
     *
     * @throws DecampException {@code vm-thaw-timeout}, {@code vm-paused}, {@code vm-gone}
     */
    public synchronized void thaw(Supplier<List<KernelObject>> leaders, Duration limit) {
        named(() -> {
            work(leaders).thaw(limit);
            return null;
        });
    }

    /**
     * Returns when all processes are dead, by SIGKILL. A frozen one does not run an instruction of user code before.
     *
     * @throws DecampException {@code vm-kill-timeout}: what it names dies later; {@code vm-task-traced},
     *     {@code vm-paused}, {@code vm-gone}
     */
    public synchronized void kill(Supplier<List<KernelObject>> leaders, Duration limit) {
        named(() -> {
            work(leaders).kill(limit);
            return null;
        });
    }

    /** Words written into guest memory so far, for those who count. */
    public long writes() {
        long sum = 0;
        for (WritePurpose purpose : WritePurpose.values()) {
            sum += writer.count(purpose);
        }
        return sum;
    }

    private FreezeWork work(Supplier<List<KernelObject>> leaders) {
        return new FreezeWork(vm, machine, new KernelThreads(kernel, leaders));
    }

    private static <T> T named(Supplier<T> work) {
        try {
            return work.get();
        } catch (GuestFault e) {
            throw e.asDecamp();
        }
    }

    private final class Machine implements FreezeMachine {
        @Override
        public FreezeRound begin() {
            PausedVm paused = pauses.pause();
            try {
                // what was read of an earlier boot would be written into this one's memory
                kernel.requireSameBoot();
                return new PausedGuest(kernel, writer, calls, paused);
            } catch (RuntimeException | Error e) {
                // an Error too: the JVM's for a RAM file that was cut, or for want of memory, must not leave it paused
                paused.close();
                throw e;
            }
        }

        @Override
        public boolean settle(Duration limit) {
            long end = System.nanoTime() + limit.toNanos();
            try {
                while (calls.clearDone() > 0) {
                    if (System.nanoTime() - end >= 0) {
                        LOG.warnf("VM %s has not made all calls within %s; they are cleared later", vm, limit);
                        return false;
                    }
                    LockSupport.parkNanos(LOOK_EVERY_NANOS);
                }
                return true;
            } catch (GuestFault | DecampException e) {
                LOG.warnf("VM %s: what it was asked to call can't be cleared: %s", vm, e.getMessage());
                return false;
            }
        }

        @Override
        public int pauses() {
            return pauses.count();
        }

        @Override
        public Duration paused() {
            return Duration.ofNanos(pauses.nanos());
        }
    }

    /** Takes QEMU's debugger stub away again; what is frozen stays so. */
    @Override
    public synchronized void close() {
        pauses.close();
        writer.close();
    }
}
