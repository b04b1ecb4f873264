package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.introspector.engine.vm.freeze.GuestFreezer;
import io.decamp.introspector.engine.vm.memory.VmAccess;
import io.decamp.introspector.engine.vm.memory.VmTracking;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.qemu.Qmp;
import io.decamp.linux.qemu.VmRegistration;
import io.decamp.linux.qemu.VmRegistry;
import io.decamp.linux.workload.StateFile;
import io.decamp.linux.workload.TaskStates;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;

/**
 * The VMs of this node, each attached to once for all that deal with it. Asking again costs microseconds, and finds
 * out when a VM has ended or its guest has booted anew: then it is attached to anew. Thread safe.
 */
public final class Vms implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Vms.class);

    private final VmRegistry registry;
    private final Path stateDirectory;
    private final Path memoryDirectory;
    private final Map<String, AttachedVm> attached = new ConcurrentHashMap<>();

    public Vms(NodeSettings settings) {
        this.registry = new VmRegistry(settings.stateDirectory());
        this.stateDirectory = settings.stateDirectory();
        this.memoryDirectory = settings.memoryDirectory();
    }

    public VmRegistry registry() {
        return registry;
    }

    Path stateDirectory() {
        return stateDirectory;
    }

    Path memoryDirectory() {
        return memoryDirectory;
    }

    /**
     * @throws DecampException {@code vm-not-found}, {@code vm-no-qmp}, {@code vm-not-qemu}, {@code vm-ram-not-shared},
     *     {@code vm-not-readable}, {@code vm-gone}
     */
    public AttachedVm attach(String name) {
        // in two steps: what was closed must be forgotten also when attaching anew fails, or it is closed twice
        attached.computeIfPresent(name, (key, known) -> {
            if (known.isThere()) {
                return known;
            }
            LOG.infof("VM %s: QEMU has ended or the guest has booted anew", name);
            known.close();
            return null;
        });
        return attached.computeIfAbsent(name, this::attachAnew);
    }

    /**
     * The same after having asked QEMU.
     *
     * @param running refuse a VM that is paused: for who is going to write into the guest
     * @throws DecampException {@code vm-paused}, {@code vm-powered-off} beside the above
     */
    AttachedVm attachCurrent(String name, boolean running) {
        AttachedVm vm = attach(name);
        if (vm.isCurrent(running)) {
            return vm;
        }
        LOG.infof("VM %s: the guest has booted anew", name);
        if (attached.remove(name, vm)) {
            vm.close();
        }
        return attach(name);
    }

    /** Whether the QEMU process of a VM that was attached to has ended: what ran in its guest is no more. */
    boolean hasEnded(String name) {
        return processRecord(name)
                .read()
                .map(values -> new ProcessIdentity(
                        Integer.parseInt(values.get("pid")), Long.parseLong(values.get("start"))))
                .filter(qemu -> !qemu.isPresent() || TaskStates.of(qemu.pid()) == 'Z')
                .isPresent();
    }

    private StateFile processRecord(String name) {
        return new StateFile(stateDirectory.resolve("vm-processes").resolve(name));
    }

    /** The workload of this file name needs the tracking of its VM no more, whichever that is. */
    void untrack(String user) {
        for (String name : VmTracking.usedBy(memoryDirectory, user)) {
            attached.computeIfPresent(name, (key, vm) -> {
                vm.tracking().unuse(user);
                return vm;
            });
            VmTracking.unuse(memoryDirectory, name, user);
        }
    }

    VmAccess.Paused pause(AttachedVm vm) {
        return vm.pause(pauseMark(vm.name()));
    }

    private AttachedVm attachAnew(String name) {
        VmRegistration registration = registry.require(name);
        long began = System.nanoTime();
        AttachedVm vm = AttachedVm.attach(registration, memoryDirectory);
        try {
            resumeLeftPaused(vm);
            ProcessIdentity qemu = vm.ram().process();
            processRecord(name)
                    .write(Map.of("pid", Integer.toString(qemu.pid()), "start", Long.toString(qemu.startTicks())));
        } catch (RuntimeException | Error e) {
            vm.close();
            throw e;
        }
        LOG.infof(
                "VM %s: attached to Linux %s in process %d, %d MiB, in %d ms",
                name,
                vm.kernel().release(),
                vm.ram().process().pid(),
                vm.ram().bytes() >> 20,
                (System.nanoTime() - began) / 1_000_000);
        return vm;
    }

    /** A service that was killed in the milliseconds in which it had a VM paused has left a mark. */
    private void resumeLeftPaused(AttachedVm vm) {
        if (pauseMark(vm.name()).exists()) {
            vm.withMonitor(qmp -> {
                freezer(vm, qmp).close();
                return null;
            });
        }
    }

    private StateFile pauseMark(String name) {
        return new StateFile(stateDirectory.resolve("vm-pauses").resolve(name));
    }

    GuestFreezer freezer(AttachedVm vm, Qmp qmp) {
        return GuestFreezer.attach(vm.name(), vm.kernel(), vm.ram().path(), qmp, stateDirectory);
    }

    @Override
    public void close() {
        attached.values().forEach(AttachedVm::close);
        attached.clear();
    }
}
