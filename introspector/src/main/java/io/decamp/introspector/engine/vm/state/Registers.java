package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.UserX86RegsEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;

/**
 * A thread's user registers: what the kernel saved when the thread last entered it, at the top of its kernel stack
 * ({@code task_pt_regs}, arch/x86/include/asm/processor.h), and the segment bases that were saved when it went to
 * sleep.
 */
final class Registers {
    /** {@code THREAD_SIZE} where the kernel doesn't say how large the stack is. */
    private static final long USUAL_STACK_BYTES = 16 << 10;

    /** Larger stacks (KASAN) have 32 KiB. */
    private static final long MAX_STACK_PAGES = 16;

    /**
     * {@code TOP_OF_KERNEL_STACK_PADDING} of a kernel that can use FRED event delivery
     * (arch/x86/include/asm/thread_info.h).
     */
    private static final long FRED_PADDING = 16;

    /** {@code __USER_CS} and {@code __USER_DS}: 64-bit code. */
    private static final int USER_CODE = 0x33;

    private static final int NATIVE = 1;

    private static final int SYSCALL_INSTRUCTION_BYTES = 2;

    /** Return values inside the kernel (include/linux/errno.h) that never reach user code. */
    private static final long ERESTARTSYS = 512;

    private static final long ERESTARTNOINTR = 513;
    private static final long ERESTARTNOHAND = 514;
    private static final long ERESTART_RESTARTBLOCK = 516;
    private static final long EINTR = 4;

    private Registers() {}

    static UserX86RegsEntry.Builder read(KernelObject task, Concerns concerns) {
        KernelObject saved = saved(task);
        int code = (int) saved.number("cs") & 0xffff;
        if (code != USER_CODE) {
            refuseCode(task, code, concerns);
        }
        KernelObject thread = task.at("thread");
        UserX86RegsEntry.Builder regs = UserX86RegsEntry.newBuilder()
                .setR15(saved.number("r15"))
                .setR14(saved.number("r14"))
                .setR13(saved.number("r13"))
                .setR12(saved.number("r12"))
                .setBp(saved.number("bp"))
                .setBx(saved.number("bx"))
                .setR11(saved.number("r11"))
                .setR10(saved.number("r10"))
                .setR9(saved.number("r9"))
                .setR8(saved.number("r8"))
                .setAx(saved.number("ax"))
                .setCx(saved.number("cx"))
                .setDx(saved.number("dx"))
                .setSi(saved.number("si"))
                .setDi(saved.number("di"))
                .setOrigAx(saved.number("orig_ax"))
                .setIp(saved.number("ip"))
                .setCs(code)
                .setFlags(saved.number("flags"))
                .setSp(saved.number("sp"))
                .setSs(saved.number("ss") & 0xffff)
                .setFsBase(thread.number("fsbase"))
                .setGsBase(thread.number("gsbase"))
                .setDs(thread.number("ds"))
                .setEs(thread.number("es"))
                .setFs(thread.number("fsindex"))
                .setGs(thread.number("gsindex"))
                .setMode(NATIVE);
        restart(regs);
        return regs;
    }

    private static KernelObject saved(KernelObject task) {
        GuestKernel kernel = task.kernel();
        long padding = kernel.findSymbol("asm_fred_entrypoint_user").isPresent() ? FRED_PADDING : 0;
        long top = task.number("stack") + stackBytes(task) - padding;
        return kernel.object("pt_regs", top - kernel.types().sizeOf("pt_regs"));
    }

    private static long stackBytes(KernelObject task) {
        if (!task.has("stack_vm_area") || task.number("stack_vm_area") == 0) {
            return USUAL_STACK_BYTES;
        }
        long pages = task.follow("stack_vm_area").number("nr_pages");
        if (pages <= 0 || pages > MAX_STACK_PAGES) {
            throw new GuestFault(GuestFault.Reason.BOUND, "A kernel stack has " + pages + " pages");
        }
        return pages << 12;
    }

    private static void refuseCode(KernelObject task, int code, Concerns concerns) {
        String what = "Thread " + task.number("pid") + " of the guest has code segment 0x" + Integer.toHexString(code);
        concerns.refuse(
                "vm-not-64-bit",
                what + ": it is not 64-bit code, or its registers are not where this kernel's are expected",
                "Only 64-bit x86 programs can be carried");
    }

    /**
     * A system call that was interrupted for the freeze begins anew, as after a signal without a handler; one that
     * would go on
     * where it was (a relative sleep) returns EINTR, since its state is in the kernel. This is CRIU's own rule
     * (compel/arch/x86/src/lib/infect.c, get_task_regs).
     */
    static void restart(UserX86RegsEntry.Builder regs) {
        if (regs.getOrigAx() < 0) {
            return;
        }
        long result = -regs.getAx();
        if (result == ERESTARTNOHAND || result == ERESTARTSYS || result == ERESTARTNOINTR) {
            regs.setAx(regs.getOrigAx()).setIp(regs.getIp() - SYSCALL_INSTRUCTION_BYTES);
        } else if (result == ERESTART_RESTARTBLOCK) {
            regs.setAx(-EINTR);
        }
    }
}
