package io.decamp.linux.ptrace;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.PtraceAbi;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.ProcessCalls;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.workload.TaskStates;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.LockSupport;

/**
 * One thread held by ptrace for a few remote system calls. Everything here happens on the thread that made it, which
 * {@link TracerThread} owns: should anything fail so badly that the thread can't be detached, the end of the tracing
 * thread detaches it (kernel/ptrace.c exit_ptrace()).
 *
 * <p>Stops are seen by asking for their siginfo, not by waitpid: a waiting thread elsewhere in this JVM (Process of the
 * JDK, for a child of ours) may have taken the status.
 */
final class Tracee implements AutoCloseable {
    /**
     * A stop takes microseconds; a thread in uninterruptible sleep or a v1-frozen cgroup does not stop at all. Given up is
     * only what was not changed yet.
     */
    private static final long STOP_LIMIT_NANOS = 100_000_000;

    /** On an idle processor a stop takes 6 us; after this the thread probably waits for the one that we spin on. */
    private static final long SPIN_NANOS = 40_000;

    private static final long WAIT_NANOS = 20_000;

    /** For one that is frozen in the middle of a call, or gets no processor. */
    private static final long LATE_NANOS = 1_000_000;

    /**
     * Each signal that comes while we stop the thread is delivered first; a storm of them must not keep us for ever.
     */
    private static final int STOP_ATTEMPTS_MAX = 100;

    private final int tid;
    private final long instruction;
    private final Registers architecture = Registers.current();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment original = arena.allocate(architecture.bytes(), 8);
    private final MemorySegment scratch = arena.allocate(architecture.bytes(), 8);
    private final MemorySegment iovec = arena.allocate(FileAbi.IOVEC_BYTES, 8);
    private final MemorySegment siginfo = arena.allocate(PtraceAbi.SIGINFO_BYTES, 8);
    private final MemorySegment mask = arena.allocate(PtraceAbi.KERNEL_SIGSET_BYTES, 8);
    private final MemorySegment allSignals = arena.allocate(PtraceAbi.KERNEL_SIGSET_BYTES, 8);
    private final MemorySegment noSyscall = arena.allocate(ValueLayout.JAVA_INT);
    private final MemorySegment originalSyscall = arena.allocate(ValueLayout.JAVA_INT);
    private boolean changed;
    private boolean stopped;
    private long stoppedAtNanos;
    private long stoppedNanos;

    /** @param instruction address of a system call instruction in the process */
    Tracee(int tid, long instruction) {
        this.tid = tid;
        this.instruction = instruction;
        allSignals.fill((byte) 0xFF);
        noSyscall.set(ValueLayout.JAVA_INT, 0, -1);
    }

    /** Attaches and stops the thread, without a signal that anybody could see. */
    void stop() {
        int seized = ProcessCalls.ptrace(PtraceAbi.PTRACE_SEIZE, tid, 0, PtraceAbi.PTRACE_O_SUSPEND_SECCOMP);
        if (seized < 0 && seized != -Errno.ESRCH) {
            // Without CAP_SYS_ADMIN, or under a seccomp filter of our own, or without CONFIG_CHECKPOINT_RESTORE.
            seized = ProcessCalls.ptrace(PtraceAbi.PTRACE_SEIZE, tid, 0, 0);
        }
        check("PTRACE_SEIZE", seized);
        for (int attempt = 0; attempt < STOP_ATTEMPTS_MAX; attempt++) {
            stoppedAtNanos = System.nanoTime();
            check("PTRACE_INTERRUPT", ProcessCalls.ptrace(PtraceAbi.PTRACE_INTERRUPT, tid, 0, 0));
            awaitStop();
            int code = siginfo.get(ValueLayout.JAVA_INT, PtraceAbi.SIGINFO_CODE);
            if (code >> 8 == PtraceAbi.PTRACE_EVENT_STOP) {
                stopped = true;
                save();
                return;
            }
            // Caught in the delivery of a signal, which ended our interrupt: let it through and interrupt again.
            int signal = siginfo.get(ValueLayout.JAVA_INT, PtraceAbi.SIGINFO_SIGNO);
            check("PTRACE_CONT", ProcessCalls.ptrace(PtraceAbi.PTRACE_CONT, tid, 0, signal));
        }
        throw DecampException.retry(
                "thread-not-stopped",
                "Thread " + tid + " received a signal at each of " + STOP_ATTEMPTS_MAX + " attempts to stop it",
                "Try again when the process gets fewer signals",
                null);
    }

    /** Makes the stopped thread execute one system call. @return its result, or {@code -errno} */
    long call(long number, long argument) {
        changed = true;
        MemorySegment.copy(original, 0, scratch, 0, architecture.bytes());
        architecture.prepare(scratch, instruction, number, argument);
        setRegisters(scratch);
        if (architecture.hasSyscallRegset()) {
            regset("PTRACE_SETREGSET", PtraceAbi.PTRACE_SETREGSET, PtraceAbi.NT_ARM_SYSTEM_CALL, noSyscall);
        }
        while (true) {
            check("PTRACE_SINGLESTEP", ProcessCalls.ptrace(PtraceAbi.PTRACE_SINGLESTEP, tid, 0, 0));
            awaitStop();
            regset("PTRACE_GETREGSET", PtraceAbi.PTRACE_GETREGSET, PtraceAbi.NT_PRSTATUS, scratch);
            long at = architecture.programCounter(scratch);
            if (at == instruction + architecture.syscallInstructionBytes()) {
                return architecture.result(scratch);
            }
            if (at != instruction) {
                throw DecampException.fatal(
                        "remote-call-strayed",
                        "Thread " + tid + " stands at 0x" + Long.toHexString(at) + " instead of behind a system call",
                        "The registers were restored; report this with the kernel's version",
                        null);
            }
        }
    }

    /** Restores the thread and lets it go. @return how long it was stopped at most, in ns */
    long release() {
        if (stopped) {
            stopped = false;
            try {
                restore();
            } finally {
                check("PTRACE_DETACH", ProcessCalls.ptrace(PtraceAbi.PTRACE_DETACH, tid, 0, 0));
                stoppedNanos = System.nanoTime() - stoppedAtNanos;
            }
        }
        return stoppedNanos;
    }

    @Override
    public void close() {
        try {
            release();
        } finally {
            arena.close();
        }
    }

    private void save() {
        regset("PTRACE_GETREGSET", PtraceAbi.PTRACE_GETREGSET, PtraceAbi.NT_PRSTATUS, original);
        if (iovec.get(ValueLayout.JAVA_LONG, FileAbi.IOVEC_LEN) != architecture.bytes()) {
            throw DecampException.refused(
                    "foreign-abi",
                    "Process " + tid + " is not a 64-bit program",
                    "Only programs of the host's own architecture can be tracked");
        }
        if (architecture.hasSyscallRegset()) {
            regset("PTRACE_GETREGSET", PtraceAbi.PTRACE_GETREGSET, PtraceAbi.NT_ARM_SYSTEM_CALL, originalSyscall);
        }
        long size = PtraceAbi.KERNEL_SIGSET_BYTES;
        check("PTRACE_GETSIGMASK", ProcessCalls.ptrace(PtraceAbi.PTRACE_GETSIGMASK, tid, size, mask.address()));
        changed = true;
        check("PTRACE_SETSIGMASK", ProcessCalls.ptrace(PtraceAbi.PTRACE_SETSIGMASK, tid, size, allSignals.address()));
    }

    private void restore() {
        if (changed) {
            setRegisters(original);
            if (architecture.hasSyscallRegset()) {
                regset("PTRACE_SETREGSET", PtraceAbi.PTRACE_SETREGSET, PtraceAbi.NT_ARM_SYSTEM_CALL, originalSyscall);
            }
            long size = PtraceAbi.KERNEL_SIGSET_BYTES;
            check("PTRACE_SETSIGMASK", ProcessCalls.ptrace(PtraceAbi.PTRACE_SETSIGMASK, tid, size, mask.address()));
        }
    }

    private void setRegisters(MemorySegment registers) {
        regset("PTRACE_SETREGSET", PtraceAbi.PTRACE_SETREGSET, PtraceAbi.NT_PRSTATUS, registers);
    }

    private void regset(String name, long request, long set, MemorySegment registers) {
        iovec.set(ValueLayout.JAVA_LONG, FileAbi.IOVEC_BASE, registers.address());
        iovec.set(ValueLayout.JAVA_LONG, FileAbi.IOVEC_LEN, registers.byteSize());
        check(name, ProcessCalls.ptrace(request, tid, set, iovec.address()));
    }

    private void awaitStop() {
        long start = System.nanoTime();
        while (true) {
            int result = ProcessCalls.ptrace(PtraceAbi.PTRACE_GETSIGINFO, tid, 0, siginfo.address());
            if (result == 0) {
                return;
            }
            if (result != -Errno.ESRCH) {
                check("PTRACE_GETSIGINFO", result);
            }
            long waited = System.nanoTime() - start;
            if (waited > STOP_LIMIT_NANOS && changed) {
                // let go as it stands, it would run on with foreign registers, and die of the trap that is to come
                requireAlive();
                LockSupport.parkNanos(LATE_NANOS);
            } else if (waited > STOP_LIMIT_NANOS) {
                throw DecampException.retry(
                        "thread-not-stopped",
                        "Thread " + tid + " did not stop within " + STOP_LIMIT_NANOS / 1_000_000 + " ms",
                        "It is in uninterruptible sleep, frozen, or gone; see its state in /proc and try again",
                        null);
            } else if (waited < SPIN_NANOS) {
                Thread.onSpinWait();
            } else {
                // Not sched_yield: on a busy machine it puts us behind everybody else for whole time slices.
                LockSupport.parkNanos(WAIT_NANOS);
            }
        }
    }

    private void requireAlive() {
        char state = TaskStates.of(tid);
        if (state == 'Z' || state == 'X') {
            throw new SyscallException("PTRACE_GETSIGINFO", Errno.ESRCH, "thread " + tid);
        }
    }

    private void check(String call, int result) {
        if (result < 0) {
            throw new SyscallException(call, -result, "thread " + tid);
        }
    }
}
