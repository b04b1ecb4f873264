package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/**
 * What tracking needs of the VM that a workload is in. The VM is looked for anew at each call of {@link #guest}, so
 * that one that was powered off or has booted anew is named.
 */
public interface VmAccess {
    /**
     * The kernel of the guest that the workload is in. @throws io.decamp.contracts.error.DecampException {@code vm-...}
     */
    GuestKernel guest();

    /**
     * The init of the workload. @throws io.decamp.contracts.error.DecampException {@code workload-not-found} and others
     */
    KernelObject init();

    /** The VM's tracking; started by the first workload that asks. */
    RamTracking tracking();

    /** This workload needs the tracking no more; ends with the last one. Idempotent, also when the VM is gone. */
    void untrack();

    /** Pauses the VM until the result is closed. */
    Paused pause();

    /** A VM that executes nothing. */
    interface Paused extends AutoCloseable {
        @Override
        void close();
    }
}
