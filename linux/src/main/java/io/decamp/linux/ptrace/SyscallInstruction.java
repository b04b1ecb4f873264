package io.decamp.linux.ptrace;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.proc.MapsParser;
import io.decamp.linux.proc.Vma;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Finds a system call instruction that a process has anyway, so that no code need be written into it. */
final class SyscallInstruction {
    /** Of each mapping only so much is searched: libc has one in its first pages, a JVM's code cache is huge. */
    private static final long SEARCH_BYTES_MAX = 4 << 20;

    /** A process that has just begun an exec has a stack and the head of a program, and the rest in under a millisecond. */
    private static final int TRIES = 40;

    private static final long TRY_NANOS = 500_000;

    private SyscallInstruction() {}

    /** @return its address, in the vDSO when there is one there, else in any executable mapping */
    static long find(int pid, Registers architecture) {
        for (int attempt = 1; ; attempt++) {
            try {
                return findNow(pid, architecture);
            } catch (DecampException e) {
                if (attempt == TRIES) {
                    throw e;
                }
                LockSupport.parkNanos(TRY_NANOS);
            }
        }
    }

    private static long findNow(int pid, Registers architecture) {
        List<Vma> vmas = MapsParser.ofProcess(pid).orElse(List.of());
        byte[] instruction = architecture.syscallInstruction();
        try (FileDescriptor mem = FileDescriptor.open("/proc/" + pid + "/mem", FileAbi.O_RDONLY, 0)) {
            for (Vma vma : vmas) {
                if (vma.path().equals("[vdso]")) {
                    long found = search(mem, vma, instruction);
                    if (found != 0) {
                        return found;
                    }
                }
            }
            for (Vma vma : vmas) {
                if (vma.executable() && !vma.path().startsWith("[v")) {
                    long found = search(mem, vma, instruction);
                    if (found != 0) {
                        return found;
                    }
                }
            }
        }
        throw DecampException.refused(
                "no-syscall-instruction",
                "Process " + pid + " has no system call instruction in " + vmas.size() + " mappings",
                "The process has ended or is not a program of this architecture; protect another one");
    }

    private static long search(FileDescriptor mem, Vma vma, byte[] instruction) {
        long bytes = Math.min(vma.bytes(), SEARCH_BYTES_MAX);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment code = arena.allocate(bytes);
            long got = FileCalls.pread(mem.number(), code.address(), bytes, vma.start());
            for (long i = 0; i + instruction.length <= got; i += instruction.length == 4 ? 4 : 1) {
                if (matches(code, i, instruction)) {
                    return vma.start() + i;
                }
            }
            return 0;
        }
    }

    private static boolean matches(MemorySegment code, long offset, byte[] instruction) {
        for (int k = 0; k < instruction.length; k++) {
            if (code.get(ValueLayout.JAVA_BYTE, offset + k) != instruction[k]) {
                return false;
            }
        }
        return true;
    }
}
