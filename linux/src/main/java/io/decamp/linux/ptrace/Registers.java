package io.decamp.linux.ptrace;

import io.decamp.linux.libc.Arch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The general registers of one architecture as PTRACE_GETREGSET(NT_PRSTATUS) lays them out. Offsets in bytes. */
enum Registers {
    /** struct user_regs_struct, sys/user.h; {@code syscall} is {@code 0f 05}. */
    X86_64(216, 128, 80, new int[] {112, 104, 96, 56}, 80, new byte[] {0x0f, 0x05}),
    /** struct user_pt_regs, asm/ptrace.h of arm64; {@code svc #0}. */
    ARM64(272, 256, 64, new int[] {0, 8, 16, 24}, 0, new byte[] {0x01, 0x00, 0x00, (byte) 0xd4});

    private static final long X86_ORIG_RAX = 120;

    private final int bytes;
    private final int programCounter;
    private final int number;
    private final int[] arguments;
    private final int result;
    private final byte[] syscallInstruction;

    Registers(int bytes, int programCounter, int number, int[] arguments, int result, byte[] syscallInstruction) {
        this.bytes = bytes;
        this.programCounter = programCounter;
        this.number = number;
        this.arguments = arguments;
        this.result = result;
        this.syscallInstruction = syscallInstruction;
    }

    static Registers current() {
        return switch (Arch.current()) {
            case X86_64 -> X86_64;
            case ARM64 -> ARM64;
        };
    }

    /** A process of another ABI (32 bit) has a set of another size. */
    int bytes() {
        return bytes;
    }

    byte[] syscallInstruction() {
        return syscallInstruction.clone();
    }

    int syscallInstructionBytes() {
        return syscallInstruction.length;
    }

    /** True when an interrupted call must be marked by a register set of its own, and not in these. */
    boolean hasSyscallRegset() {
        return this == ARM64;
    }

    /** Puts a call at {@code address} into {@code registers}, which hold a copy of the thread's own. */
    void prepare(MemorySegment registers, long address, long syscallNumber, long first) {
        registers.set(ValueLayout.JAVA_LONG, programCounter, address);
        registers.set(ValueLayout.JAVA_LONG, number, syscallNumber);
        registers.set(ValueLayout.JAVA_LONG, arguments[0], first);
        for (int i = 1; i < arguments.length; i++) {
            registers.set(ValueLayout.JAVA_LONG, arguments[i], 0L);
        }
        if (this == X86_64) {
            // Else the kernel would restart the call that was interrupted, at our address.
            registers.set(ValueLayout.JAVA_LONG, X86_ORIG_RAX, -1L);
        }
    }

    long programCounter(MemorySegment registers) {
        return registers.get(ValueLayout.JAVA_LONG, programCounter);
    }

    long result(MemorySegment registers) {
        return registers.get(ValueLayout.JAVA_LONG, result);
    }
}
