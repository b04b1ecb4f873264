package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.UserX86FpregsEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;

/** Finds the saved FPU state of threads. Keeps the processor's layout, which is the same for all. One thread. */
final class Fpu {
    /** With AMX 11 KiB; the kernel's own limit is what CPUID says. */
    private static final long MAX_BYTES = 64 << 10;

    private final GuestKernel kernel;
    private XsaveLayout layout;

    Fpu(GuestKernel kernel) {
        this.kernel = kernel;
    }

    UserX86FpregsEntry read(KernelObject task, Concerns concerns) {
        KernelObject state = task.follow("thread.fpu.fpstate");
        long bytes = state.number("size");
        if (bytes < XsaveArea.LEGACY_BYTES || bytes > MAX_BYTES) {
            throw new GuestFault(GuestFault.Reason.BOUND, "The FPU state of a thread has " + bytes + " bytes");
        }
        boolean legacy = bytes == XsaveArea.LEGACY_BYTES;
        byte[] memory = kernel.bytes(state.addressOf("regs"), (int) bytes);
        XsaveArea area = new XsaveArea(memory, legacy ? null : layout(), state.number("user_xfeatures"));
        if (area.unknown() != 0) {
            concerns.refuse(
                    "vm-cpu-state",
                    "Thread " + task.number("pid") + " of the guest uses CPU state 0x"
                            + Long.toHexString(area.unknown())
                            + " (bits of XCR0: 0x60000 is AMX, 0x800 a shadow stack), which CRIU's images have "
                                    + "no place for",
                    "Give the guest a CPU model without that feature");
        }
        int pkru = task.has("thread.pkru") ? (int) task.number("thread.pkru") : 0;
        return area.decode(pkru);
    }

    private XsaveLayout layout() {
        if (layout == null) {
            layout = XsaveLayout.of(kernel);
        }
        return layout;
    }
}
