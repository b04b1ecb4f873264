package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.QemuMemory;
import io.decamp.introspector.engine.vm.memory.VmAccess;
import io.decamp.introspector.engine.vm.memory.VmTracking;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.QemuRam;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.workload.StateFile;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * One boot of one VM's guest, looked into from outside; shared by all that deal with workloads in it. The monitor is
 * connected to only for as long as it is spoken to, as QEMU serves one client at a time. Thread safe.
 */
public final class AttachedVm implements AutoCloseable {
    private static final int UUID_BYTES = 16;

    /** Of RunState in qapi/run-state.json: those out of which no guest comes back as it was. */
    private static final Set<String> OFF =
            Set.of("shutdown", "guest-panicked", "internal-error", "preconfig", "prelaunch");


    private final VmRegistration registration;
    private final QemuRam ram;
    private final GuestKernel kernel;
    private final GuestTasks tasks;
    private final VmTracking tracking;
    /** Whether the guest tells QEMU where its kernel is. */
    private final boolean announced;

    /** Held while the monitor is spoken to, and while the VM is paused by us. */
    private final ReentrantLock monitor = new ReentrantLock();

    private AttachedVm(
            VmRegistration registration, QemuRam ram, GuestKernel kernel, boolean announced, VmTracking tracking) {
        this.registration = registration;
        this.ram = ram;
        this.kernel = kernel;
        this.announced = announced;
        this.tracking = tracking;
        this.tasks = new GuestTasks(kernel);
    }

    /** @param memoryDirectory of the node */
    static AttachedVm attach(VmRegistration registration, Path memoryDirectory) {
        try (Qmp qmp = Qmp.connect(registration.qmp())) {
            QemuRam ram = QemuRam.find(registration.name(), qmp);
            AttachedVm attached = null;
            try {
                attached = attach(registration, memoryDirectory, qmp, ram);
                return attached;
            } catch (GuestFault e) {
                throw DecampException.retry(
                        "vm-not-readable",
                        "The guest of VM " + registration.name() + " can't be read: " + e.getMessage(),
                        "It may be booting; it must run a Linux with kallsyms and BTF, see docs/out-of-band.md",
                        e);
            } finally {
                if (attached == null) {
                    ram.close();
                }
            }
        }
    }

    private static AttachedVm attach(VmRegistration registration, Path memoryDirectory, Qmp qmp, QemuRam ram) {
        GuestKernel kernel = QemuMemory.attach(qmp, ram.path(), ram.block());
        try {
            return new AttachedVm(registration, ram, kernel, announces(qmp), new VmTracking(ram, memoryDirectory));
        } catch (RuntimeException e) {
            kernel.close();
            throw e;
        }
    }

    private static boolean announces(Qmp qmp) {
        try {
            QemuMemory.vmcoreInfo(qmp);
            return true;
        } catch (GuestFault none) {
            return false;
        }
    }

    /** False for a machine without {@code -device vmcoreinfo}: a reboot is then seen late. */
    boolean isAnnounced() {
        return announced;
    }

    public String name() {
        return registration.name();
    }

    public VmRegistration registration() {
        return registration;
    }

    public GuestKernel kernel() {
        return kernel;
    }

    public GuestTasks tasks() {
        return tasks;
    }

    /** QEMU's process and the memory file. */
    public QemuRam ram() {
        return ram;
    }

    VmTracking tracking() {
        return tracking;
    }

    /**
     * Speaks with QEMU; one at a time. @throws DecampException {@code vm-gone}, {@code vm-no-qmp}, {@code
     * vm-not-answering}
     */
    public <T> T withMonitor(Function<Qmp, T> action) {
        monitor.lock();
        try (Qmp qmp = connect()) {
            return action.apply(qmp);
        } catch (DecampException e) {
            throw orGone(e);
        } finally {
            monitor.unlock();
        }
    }

    /** Whether this thread has the monitor, or the VM paused by it: QEMU would not answer to another connection. */
    boolean isSpokenTo() {
        return monitor.isHeldByCurrentThread();
    }

    private Qmp connect() {
        ram.requireAlive();
        try {
            return Qmp.connect(registration.qmp());
        } catch (DecampException e) {
            throw orGone(e);
        }
    }

    /** A socket that is closed on us is how a process that is ending looks. */
    private DecampException orGone(DecampException e) {
        return ram.hasExited() ? ram.gone() : e;
    }

    /**
     * Pauses the VM until the result is closed, by the same thread; nobody else speaks with QEMU meanwhile.
     *
     * @param mark is there as long as the VM is paused by us: who finds it after a crash resumes the VM
     * @throws DecampException {@code vm-paused} by somebody else
     */
    VmAccess.Paused pause(StateFile mark) {
        monitor.lock();
        try {
            Qmp qmp = connect();
            try {
                requireRunning(qmp.state());
                mark.write(Map.of(
                        "qemu", Integer.toString(ram.process().pid()),
                        "start", Long.toString(ram.process().startTicks())));
            } catch (RuntimeException e) {
                qmp.close();
                throw e;
            }
            try {
                qmp.execute("stop");
            } catch (RuntimeException e) {
                // it may have been heard, and only the answer is missing
                try {
                    resume(qmp, mark);
                } catch (DecampException again) {
                    e.addSuppressed(again);
                }
                throw e;
            }
            return () -> {
                try {
                    resume(qmp, mark);
                } finally {
                    monitor.unlock();
                }
            };
        } catch (RuntimeException e) {
            monitor.unlock();
            throw e;
        }
    }

    /** By a connection of its own when this one has broken: a VM must not stay paused for that. */
    private void resume(Qmp paused, StateFile mark) {
        try {
            try (paused) {
                paused.execute("cont");
            } catch (DecampException broken) {
                try (Qmp anew = connect()) {
                    anew.execute("cont");
                } catch (DecampException e) {
                    e.addSuppressed(broken);
                    throw e;
                }
            }
            mark.delete();
        } catch (DecampException e) {
            throw orGone(e);
        }
    }

    private void requireRunning(String state) {
        requirePowered(state);
        if (!state.equals("running")) {
            throw DecampException.retry(
                    "vm-paused",
                    "VM " + name() + " does not run: QEMU says '" + state + "'",
                    "Somebody has paused it: resume it (cont in QEMU's monitor), then try again",
                    null);
        }
    }

    private void requirePowered(String state) {
        if (OFF.contains(state)) {
            throw DecampException.abort(
                    "vm-powered-off",
                    "VM " + name() + " is off: QEMU says '" + state + "'",
                    "What ran inside has ended; start the VM and its workloads again",
                    null);
        }
    }

    /**
     * Names the boot for {@link io.decamp.linux.workload.GuestProcess}: as the guest does, once anybody has asked it.
     */
    String bootId() {
        String own = ownBootId();
        return own.isEmpty() ? kernelBootId() : own;
    }

    boolean isBoot(String id) {
        return id.equals(kernelBootId()) || !id.isEmpty() && id.equals(ownBootId());
    }

    private String kernelBootId() {
        return "kernel-" + kernel.bootId();
    }

    /** /proc/sys/kernel/random/boot_id, which drivers/char/random.c draws when it is first read; empty until then. */
    private String ownBootId() {
        OptionalLong at = kernel.findSymbol("sysctl_bootid");
        if (at.isEmpty()) {
            return "";
        }
        byte[] drawn = kernel.bytes(at.getAsLong(), UUID_BYTES);
        String hex = HexFormat.of().formatHex(drawn);
        return hex.chars().allMatch(c -> c == '0')
                ? ""
                : hex.substring(0, 8) + "-" + hex.substring(8, 12) + "-" + hex.substring(12, 16) + "-"
                        + hex.substring(16, 20) + "-" + hex.substring(20);
    }

    /** Whether QEMU still runs, and nothing in memory says that the guest has booted anew. Takes microseconds. */
    boolean isThere() {
        try {
            if (ram.hasExited()) {
                return false;
            }
            kernel.requireSameBoot();
            return true;
        } catch (GuestFault | InternalError e) {
            return false;
        } catch (IllegalStateException e) {
            // it was closed, because somebody else found out that it is not there any more
            return false;
        }
    }

    /**
     * @throws DecampException {@code vm-gone} when QEMU has ended; nothing when it was detached from for another reason
     */
    void requireAlive() {
        boolean ended;
        try {
            ended = ram.hasExited();
        } catch (IllegalStateException closed) {
            return;
        }
        if (ended) {
            throw ram.gone();
        }
    }

    /**
     * Asks QEMU whether the kernel that the guest announced last is the one that is read here: what an earlier boot
     * left in memory may look alive for long. Stops the VM for a millisecond. To be called before anything is written
     * to the guest.
     *
     * @param running refuse a VM that is paused
     * @return false when it has booted anew
     * @throws DecampException {@code vm-paused}, {@code vm-powered-off}
     */
    boolean isCurrent(boolean running) {
        return withMonitor(qmp -> {
            String state = qmp.state();
            requirePowered(state);
            if (running) {
                requireRunning(state);
            }
            try {
                return kernel.isDescribedBy(QemuMemory.vmcoreInfo(qmp)) && isThere();
            } catch (GuestFault none) {
                // a reset takes the announcement away, until the next kernel makes its own
                return !announced && isThere();
            }
        });
    }

    /** Nobody may read afterwards. */
    @Override
    public void close() {
        tracking.close();
        kernel.close();
        ram.close();
    }
}
