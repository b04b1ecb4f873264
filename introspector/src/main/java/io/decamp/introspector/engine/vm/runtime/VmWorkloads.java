package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.RunningGuest;
import io.decamp.linux.workload.GuestProcess;
import io.decamp.linux.workload.VmBindings;
import java.util.List;
import java.util.Optional;

/** Which process of which VM a {@code vm:} workload's init is. Thread safe for different workloads. */
final class VmWorkloads {
    /** USER_HZ: what a clock tick is to a guest's user space. */
    private static final long NANOS_PER_TICK = 10_000_000;

    private final Vms vms;
    private final VmBindings bindings;
    private final NodeId node;

    VmWorkloads(Vms vms, NodeId node) {
        this.vms = vms;
        this.node = node;
        this.bindings = new VmBindings(node, vms.stateDirectory());
    }

    /** What QEMU is asked beside what guest memory says. */
    enum Ask {
        NOTHING,
        /** Whether the guest is the one that is read. */
        WHETHER_CURRENT,
        /** That, and whether it runs: for who is going to write to it. */
        WHETHER_RUNNING
    }

    /**
     * An init as it was found; it may have exited and not be gone yet.
     *
     * @param start its {@code start_boottime}: a kernel gives the task_struct of what is gone to the next process at
     *     once
     */
    record Located(AttachedVm vm, KernelObject init, int pid, long start) {
        static Located of(AttachedVm vm, KernelObject init) {
            return new Located(vm, init, (int) init.number("pid"), init.number("start_boottime"));
        }

        /** It has begun to exit at least; the processes that it takes along may be there still. */
        boolean hasExited() {
            return isGone() || init.number("mm") == 0;
        }

        /** A zombie, or less than that: an init becomes one when all others of its namespace have ended. */
        private boolean isGone() {
            return isAnother() || init.number("exit_state") != 0;
        }

        private boolean isAnother() {
            return init.number("pid") != pid || init.number("start_boottime") != start;
        }

        /**
         * All processes of the workload, parents first.
         *
         * @throws DecampException {@code workload-ended}
         */
        List<KernelObject> processes() {
            List<KernelObject> found = vm.tasks().inNamespaceOf(init);
            if (isAnother()) {
                throw ended();
            }
            return found;
        }

        /** The same; none when all have ended. */
        List<KernelObject> processesLeft() {
            try {
                return isGone() ? List.of() : processes();
            } catch (GuestFault | DecampException e) {
                if (isGone()) {
                    return List.of();
                }
                throw e;
            }
        }

        DecampException ended() {
            return DecampException.abort(
                    "workload-ended",
                    "Process " + pid + " of VM " + vm.name() + ", the init of the workload, has ended",
                    "Start the workload again and protect it anew",
                    null);
        }

        GuestProcess identity() {
            return new GuestProcess(vm.name(), vm.bootId(), pid, startTicks(init));
        }
    }

    /** The VM that it is in, or was when it was bound. @throws DecampException {@code workload-not-found} */
    String vmOf(WorkloadId id) {
        return bindings.bound(id)
                .map(GuestProcess::vm)
                .or(() -> bindings.isUnbound(id) ? id.vm() : Optional.empty())
                .orElseThrow(() -> notFound(id, "it never was here, or has left"));
    }

    /**
     * @throws DecampException {@code workload-not-found}, {@code not-namespace-init}, {@code vm-rebooted}, and those of
     *     {@link Vms#attach}
     */
    Located locate(WorkloadId id, Ask ask) {
        String name = vmOf(id);
        AttachedVm vm = ask == Ask.NOTHING ? vms.attach(name) : vms.attachCurrent(name, ask == Ask.WHETHER_RUNNING);
        try {
            return RunningGuest.read(() -> locate(id, vm));
        } catch (GuestFault e) {
            throw e.asDecamp();
        }
    }

    private Located locate(WorkloadId id, AttachedVm vm) {
        Optional<GuestProcess> bound = bindings.bound(id);
        if (bound.isPresent() && !vm.isBoot(bound.get().bootId())) {
            throw DecampException.abort(
                    "vm-rebooted",
                    "The guest of VM " + vm.name() + " has booted anew since " + id + " ran in it",
                    "Start the workload again and protect it anew",
                    null);
        }
        int pid = bound.map(GuestProcess::pid).orElseGet(() -> Integer.valueOf(id.name()));
        KernelObject init = vm.tasks()
                .find(pid)
                .orElseThrow(() -> notFound(id, "VM " + vm.name() + " has no process " + pid));
        if (bound.isPresent() && startTicks(init) != bound.get().startTicks()) {
            throw notFound(id, "process " + pid + " of VM " + vm.name() + " is another one");
        }
        if (!vm.tasks().isNamespaceInit(init)) {
            throw DecampException.refused(
                    "not-namespace-init",
                    "Process " + pid + " of VM " + vm.name() + " is not the init of a PID namespace",
                    "Start the workload with unshare --pid --fork, and name the process that is PID 1 in there");
        }
        return Located.of(vm, init);
    }

    /** Field 22 of /proc/PID/stat. */
    private static long startTicks(KernelObject task) {
        return task.number("start_boottime") / NANOS_PER_TICK;
    }

    /** Notes which process the id means from now on: one that gets its PID later is not taken for it. */
    Located adopt(WorkloadId id, Ask ask) {
        Located found = locate(id, ask);
        if (bindings.bound(id).isEmpty()) {
            bindings.bind(id, found.identity());
        }
        return found;
    }

    boolean isBound(WorkloadId id) {
        return bindings.bound(id).isPresent();
    }

    void unbind(WorkloadId id) {
        bindings.unbind(id);
    }

    private DecampException notFound(WorkloadId id, String why) {
        return DecampException.refused(
                "workload-not-found",
                "There is no workload " + id + " on node " + node + ": " + why,
                "Name the node that it runs on, or protect it again if it was started anew");
    }
}
