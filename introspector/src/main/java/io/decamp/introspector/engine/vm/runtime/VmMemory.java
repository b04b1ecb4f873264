package io.decamp.introspector.engine.vm.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.introspector.engine.memory.MemoryAccess;
import io.decamp.introspector.engine.memory.SpaceKernels;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.memory.RamTracking;
import io.decamp.introspector.engine.vm.memory.VmAccess;
import io.decamp.introspector.engine.vm.memory.VmSpaceKernels;
import java.nio.file.Path;
import java.time.Duration;

/** How the memory of workloads inside VMs is got hold of. */
public final class VmMemory implements MemoryAccess {
    /** What memory alone can't tell about a reboot QEMU is asked, but not for every scan: it stops the VM for 1 ms. */
    static final Duration ASK_EVERY = Duration.ofSeconds(5);

    private final Vms vms;
    private final VmWorkloads workloads;
    private final Duration askEvery;

    VmMemory(Vms vms, VmWorkloads workloads, Duration askEvery) {
        this.vms = vms;
        this.workloads = workloads;
        this.askEvery = askEvery;
    }

    @Override
    public SpaceKernels open(WorkloadId workload, Path directory) {
        return new VmSpaceKernels(new Access(workload), directory);
    }

    private final class Access implements VmAccess {
        private final WorkloadId workload;
        private VmWorkloads.Located located;
        private long askedAt;

        Access(WorkloadId workload) {
            this.workload = workload;
        }

        @Override
        public GuestKernel guest() {
            long now = System.nanoTime();
            boolean ask = located == null || !located.vm().isSpokenTo() && now - askedAt > askEvery.toNanos();
            if (ask || !located.vm().isThere() || located.hasExited()) {
                if (located != null) {
                    // that a VM has ended says more than that its name is not there any more
                    located.vm().requireAlive();
                }
                located = workloads.adopt(workload, ask ? VmWorkloads.Ask.WHETHER_CURRENT : VmWorkloads.Ask.NOTHING);
                askedAt = ask ? now : askedAt;
            }
            return located.vm().kernel();
        }

        @Override
        public KernelObject init() {
            if (located.hasExited()) {
                throw located.ended();
            }
            return located.init();
        }

        @Override
        public RamTracking tracking() {
            return located.vm().tracking().use(workload.fileName());
        }

        @Override
        public void untrack() {
            vms.untrack(workload.fileName());
        }

        @Override
        public Paused pause() {
            return vms.pause(located.vm());
        }
    }
}
