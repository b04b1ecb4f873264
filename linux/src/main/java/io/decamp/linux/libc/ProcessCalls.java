package io.decamp.linux.libc;

import io.decamp.linux.abi.ProcessAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Calls on processes. Thread safe, but those of {@code ptrace} are bound to the thread that attached. */
public final class ProcessCalls {
    /** Of pidfd_open, since Linux 6.9: a descriptor of one thread. The value is O_EXCL. */
    public static final int PIDFD_THREAD = 0x80;

    private static final int NICE_FIRST = -20;

    private ProcessCalls() {}

    /** @return the descriptor (closed on exec), or {@code -errno} */
    public static int pidfdOpen(int pid, int flags) {
        return (int) Libc.orMinusErrno(Libc.syscall(Arch.PIDFD_OPEN, pid, flags, 0, 0));
    }

    /** @return our own descriptor (closed on exec) of the open file that is {@code fd} there, or {@code -errno} */
    public static int pidfdGetfd(int pidfd, int fd) {
        return (int) Libc.orMinusErrno(Libc.syscall(Arch.PIDFD_GETFD, pidfd, fd, 0, 0));
    }

    /** @return 0, or {@code -errno} */
    public static int pidfdSendSignal(int pidfd, long signal) {
        return (int) Libc.orMinusErrno(Libc.syscall(Arch.PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0));
    }

    /** @return a userfaultfd on this process, or {@code -errno} */
    public static int userfaultfd(long flags) {
        return (int) Libc.orMinusErrno(Libc.syscall(Arch.current().userfaultfdNumber(), flags, 0, 0, 0));
    }

    /**
     * Compares what two processes use, kernel/kcmp.c.
     *
     * @param type KCMP_ of linux/kcmp.h, one without indices
     * @return 0 when it is one and the same, 1 to 3 when not, or {@code -errno}
     */
    public static int kcmp(int pid, int otherPid, long type) {
        return (int) Libc.orMinusErrno(Libc.syscall(Arch.current().kcmpNumber(), pid, otherPid, type, 0));
    }

    /** @return 0, or {@code -errno} */
    public static int kill(int pid, long signal) {
        return (int) Libc.orMinusErrno(Libc.kill(pid, (int) signal));
    }

    /** Takes the status of a child of ours that has exited. @return the wait status, -1 when it has not exited yet */
    public static int reap(int pid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(ValueLayout.JAVA_INT);
            int got = Libc.waitpid(pid, status.address(), (int) (ProcessAbi.WNOHANG | ProcessAbi.__WALL));
            if (got < 0) {
                throw new SyscallException("waitpid", Libc.errno(), "pid " + pid);
            }
            return got == 0 ? -1 : status.get(ValueLayout.JAVA_INT, 0);
        }
    }

    /** For requests that return 0 on success. @return 0, or {@code -errno} */
    public static int ptrace(long request, int tid, long address, long data) {
        return (int) Libc.orMinusErrno(Libc.ptrace(request, tid, address, data));
    }

    /**
     * Both vectors are arrays of struct iovec. @return bytes copied, fewer than asked where it stopped, or {@code
     * -errno}
     */
    public static long readMemory(int pid, long local, int locals, long remote, int remotes) {
        return Libc.orMinusErrno(Libc.process_vm_readv(pid, local, locals, remote, remotes, 0));
    }

    /** The counterpart of {@link #readMemory}. */
    public static long writeMemory(int pid, long local, int locals, long remote, int remotes) {
        return Libc.orMinusErrno(Libc.process_vm_writev(pid, local, locals, remote, remotes, 0));
    }

    /** The calling OS thread before all ordinary others. @return false when we may not (CAP_SYS_NICE) */
    public static boolean raisePriority() {
        int thisThread = 0;
        return Libc.setpriority((int) ProcessAbi.PRIO_PROCESS, thisThread, NICE_FIRST) == 0;
    }
}
