package io.decamp.linux.abi;

import static io.decamp.linux.abi.Struct.offset;
import static io.decamp.linux.abi.Struct.u32;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.util.List;

/** linux/ptrace.h, linux/elf.h and the head of siginfo_t; without the registers, which are the architecture's. */
public final class PtraceAbi {
    public static final long PTRACE_CONT = 7;
    public static final long PTRACE_SINGLESTEP = 9;
    public static final long PTRACE_DETACH = 17;
    public static final long PTRACE_GETSIGINFO = 0x4202;
    public static final long PTRACE_GETREGSET = 0x4204;
    public static final long PTRACE_SETREGSET = 0x4205;
    public static final long PTRACE_SEIZE = 0x4206;
    public static final long PTRACE_INTERRUPT = 0x4207;
    public static final long PTRACE_GETSIGMASK = 0x420a;
    public static final long PTRACE_SETSIGMASK = 0x420b;
    public static final long PTRACE_EVENT_STOP = 128;
    public static final long PTRACE_O_SUSPEND_SECCOMP = 1 << 21;

    public static final long NT_PRSTATUS = 1;
    public static final long NT_ARM_SYSTEM_CALL = 0x404;

    static final StructLayout siginfo_t = Struct.of(
            "siginfo_t", u32("si_signo"), u32("si_errno"), u32("si_code"), MemoryLayout.paddingLayout(116));
    static final List<StructLayout> LAYOUTS = List.of(siginfo_t);

    public static final long SIGINFO_BYTES = siginfo_t.byteSize();
    public static final long SIGINFO_SIGNO = offset(siginfo_t, "si_signo");
    public static final long SIGINFO_CODE = offset(siginfo_t, "si_code");

    /** Bytes of the kernel's sigset_t, unlike glibc's. */
    public static final long KERNEL_SIGSET_BYTES = 8;

    private PtraceAbi() {}
}
