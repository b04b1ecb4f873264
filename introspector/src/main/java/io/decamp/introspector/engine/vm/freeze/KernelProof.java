package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.OptionalLong;

/**
 * Compares what {@link KernelFacts} takes for granted with the guest's own code and tables. A kernel that was built
 * otherwise is refused before a byte of it is written.
 */
final class KernelProof {
    /** The functions looked into are shorter. */
    private static final int CODE_BYTES = 256;

    private static final int SHORT_CODE_BYTES = 64;

    /** arch/x86/include/asm/desc_defs.h: struct gate_struct has 16 bytes. */
    private static final int GATE_BYTES = 16;

    /** ENDBR64: an indirect call may land here, where the processor checks. */
    private static final int ENDBR = 0xfa1e0ff3;

    /** arch/x86/include/asm/cpufeatures.h: X86_FEATURE_IBT, word 18, bit 20. */
    private static final int IBT_WORD = 18;

    private static final int IBT_BIT = 20;

    private static final String WAKE = "wake_up_process";
    private static final String PUT = "put_task_struct_rcu_user";
    private static final String INTERRUPT = "asm_sysvec_call_function_single";

    private static final List<String> SYMBOLS = List.of(
            WAKE,
            PUT,
            INTERRUPT,
            "call_single_queue",
            "idt_table",
            "recalc_sigpending",
            "signal_wake_up_state",
            "runqueues",
            "x86_cpu_to_apicid");

    private static final List<String> TASK_MEMBERS = List.of(
            "jobctl", "frozen", "__state", "thread_info.flags", "pending.signal", "rcu_users", "pi_lock", "cgroups");

    private final GuestKernel kernel;

    private KernelProof(GuestKernel kernel) {
        this.kernel = kernel;
    }

    /** @throws DecampException {@code vm-freeze-unsupported} naming what is different */
    static void require(GuestKernel kernel) {
        try {
            new KernelProof(kernel).require();
        } catch (GuestFault e) {
            throw refused(kernel, e.getMessage());
        }
    }

    private void require() {
        for (String symbol : SYMBOLS) {
            check(kernel.findSymbol(symbol).isPresent(), "it has no symbol " + symbol);
        }
        for (String member : TASK_MEMBERS) {
            check(kernel.types().has("task_struct", member), "its task_struct has no " + member);
        }
        check(kernel.types().sizeOf("task_struct", "thread_info.flags") == 8, "thread_info.flags is no unsigned long");
        check(kernel.types().sizeOf("task_struct", "rcu_users") == 4, "task_struct.rcu_users is no refcount_t");
        check(kernel.types().sizeOf("__call_single_data") == 32, "struct __call_single_data has another size");
        checkEnumerator("CSD_FLAG_LOCK", KernelFacts.CALL_LOCK);
        checkEnumerator("CSD_TYPE_SYNC", KernelFacts.CALL_SYNC_LOCKED & ~KernelFacts.CALL_LOCK);
        check(testsTrapFreeze(), "recalc_sigpending() does not test jobctl for what is taken for JOBCTL_TRAP_FREEZE");
        check(setsSignalPending(), "signal_wake_up_state() does not set what is taken for TIF_SIGPENDING");
        check(gate() == kernel.symbol(INTERRUPT), "vector 0xfb is not CALL_FUNCTION_SINGLE");
        check(
                kernel.findSymbol("__cfi_" + WAKE).isEmpty(),
                "it checks the type of functions that are called by pointer (CONFIG_CFI_CLANG)");
        check(
                !checksBranches() || startsWithEndbr(WAKE) && startsWithEndbr(PUT),
                "it has indirect branch tracking on, and " + PUT + " is closed to it");
    }

    private void checkEnumerator(String name, long value) {
        OptionalLong has = kernel.types().enumerator(name);
        check(has.isEmpty() || has.getAsLong() == value, name + " is " + has);
    }

    /**
     * {@code testq $(JOBCTL_PENDING_MASK | JOBCTL_TRAP_FREEZE), jobctl(task)}: offset and mask, one after the other.
     */
    private boolean testsTrapFreeze() {
        byte[] code = kernel.bytes(kernel.symbol("recalc_sigpending"), CODE_BYTES);
        ByteBuffer words = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
        int offset = (int) kernel.types().offsetOf("task_struct", "jobctl");
        int mask = (int) (KernelFacts.JOBCTL_PENDING_MASK | KernelFacts.JOBCTL_TRAP_FREEZE);
        for (int i = 0; i <= code.length - 8; i++) {
            if (words.getInt(i) == offset && words.getInt(i + 4) == mask) {
                return true;
            }
        }
        return false;
    }

    /** {@code lock orb $4, (task)}, in which thread_info.flags comes first. */
    private boolean setsSignalPending() {
        byte[] code = kernel.bytes(kernel.symbol("signal_wake_up_state"), SHORT_CODE_BYTES);
        for (int i = 0; i <= code.length - 4; i++) {
            boolean orByte = (code[i] & 0xff) == 0xf0 && (code[i + 1] & 0xff) == 0x80 && (code[i + 2] & 0xf8) == 0x08;
            if (orByte && code[i + 3] == KernelFacts.SIGPENDING) {
                return kernel.types().offsetOf("task_struct", "thread_info.flags") == 0;
            }
        }
        return false;
    }

    private long gate() {
        long gate = kernel.symbol("idt_table") + (long) GATE_BYTES * KernelFacts.CALL_VECTOR;
        return kernel.u16(gate) & 0xffffL
                | (kernel.u16(gate + 6) & 0xffffL) << 16
                | (kernel.u32(gate + 8) & 0xffff_ffffL) << 32;
    }

    private boolean checksBranches() {
        long[] words = kernel.global("boot_cpu_data", "cpuinfo_x86").numbers("x86_capability");
        return words.length > IBT_WORD && (words[IBT_WORD] >>> IBT_BIT & 1) != 0;
    }

    private boolean startsWithEndbr(String function) {
        return kernel.u32(kernel.symbol(function)) == ENDBR;
    }

    private void check(boolean holds, String difference) {
        if (!holds) {
            throw refused(kernel, difference);
        }
    }

    private static DecampException refused(GuestKernel kernel, String difference) {
        return DecampException.refused(
                "vm-freeze-unsupported",
                "Guest kernel " + kernel.release() + " can't be made to freeze a workload: " + difference,
                "Run a kernel that is known to work (docs/out-of-band-safety.md)");
    }
}
