package io.decamp.introspector.engine.vm.freeze;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/**
 * Works on threads of a paused guest. Each change is what the kernel itself would do under the locks that are free now.
 */
final class PausedGuest implements FreezeRound {
    private final GuestKernel kernel;
    private final GuestWriter writer;
    private final GuestCalls calls;
    private final GuestCalls.Batch batch;
    private final PausedVm vm;
    private boolean fits = true;

    PausedGuest(GuestKernel kernel, GuestWriter writer, GuestCalls calls, PausedVm vm) {
        this.kernel = kernel;
        this.writer = writer;
        this.calls = calls;
        this.vm = vm;
        if (vm.isInherited()) {
            calls.takeOver(vm);
        }
        calls.clearDone();
        calls.remind(vm);
        this.batch = calls.prepare();
    }

    @Override
    public void trap(ThreadState thread) {
        KernelObject task = task(thread);
        jobctl(task, 0, KernelFacts.JOBCTL_TRAP_FREEZE);
        signalPending(task);
    }

    @Override
    public void release(ThreadState thread) {
        jobctl(task(thread), KernelFacts.JOBCTL_TRAP_FREEZE, 0);
    }

    /** As complete_signal() in kernel/signal.c does for a fatal signal. */
    @Override
    public void doom(ThreadState thread) {
        KernelObject task = task(thread);
        KernelObject process = task.follow("signal");
        int flags = kernel.u32(process.addressOf("flags"));
        if ((flags & KernelFacts.SIGNAL_GROUP_EXIT) == 0) {
            writer.write32(WritePurpose.GROUP_EXIT, process.addressOf("group_exit_code"), KernelFacts.SIGKILL);
            writer.write32(WritePurpose.GROUP_EXIT, process.addressOf("group_stop_count"), 0);
            writer.write32(WritePurpose.GROUP_EXIT, process.addressOf("flags"), KernelFacts.SIGNAL_GROUP_EXIT);
        }
        long pending = task.addressOf("pending.signal");
        writer.write64(WritePurpose.KILL_SIGNAL, pending, kernel.u64(pending) | 1L << KernelFacts.SIGKILL - 1);
        long off = KernelFacts.JOBCTL_TRAP_FREEZE | KernelFacts.JOBCTL_PENDING_MASK;
        if (thread.isStopped() && !thread.wakeLocked() && !thread.onProcessor() && !thread.queued()) {
            off |= KernelFacts.JOBCTL_STOPPED;
            writer.write32(
                    WritePurpose.STOPPED_STATE, task.addressOf("__state"), (int) KernelFacts.TASK_INTERRUPTIBLE);
        }
        jobctl(task, off, 0);
        signalPending(task);
    }

    @Override
    public void wake(ThreadState thread) {
        fits &= batch.add(thread.address());
    }

    @Override
    public void withdraw() {
        calls.withdraw();
    }

    @Override
    public boolean send() {
        batch.send(vm);
        return fits;
    }

    private KernelObject task(ThreadState thread) {
        return kernel.object("task_struct", thread.address());
    }

    private void jobctl(KernelObject task, long off, long on) {
        long address = task.addressOf("jobctl");
        writer.write64(WritePurpose.TRAP, address, kernel.u64(address) & ~off | on);
    }

    private void signalPending(KernelObject task) {
        long address = task.addressOf("thread_info.flags");
        writer.write64(WritePurpose.SIGNAL_PENDING, address, kernel.u64(address) | KernelFacts.SIGPENDING);
    }

    /** Calls that were prepared and not sent, as something failed in between, hold references on their tasks. */
    @Override
    public void close() {
        try {
            batch.undo();
        } finally {
            vm.close();
        }
    }
}
