package io.decamp.linux.pid;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.ProcessCalls;
import io.decamp.linux.libc.SyscallException;
import java.time.Duration;
import java.util.Optional;

/** A process that can't be mistaken for a later one with the same PID. Thread safe. Since Linux 5.6 (pidfd_getfd). */
public final class PidFd implements AutoCloseable {
    private final int pid;
    private final FileDescriptor descriptor;

    private PidFd(int pid, FileDescriptor descriptor) {
        this.pid = pid;
        this.descriptor = descriptor;
    }

    /** @throws SyscallException ESRCH when there is no such process */
    public static PidFd open(int pid) {
        int fd = ProcessCalls.pidfdOpen(pid, 0);
        if (fd < 0) {
            throw new SyscallException("pidfd_open", -fd, "pid " + pid);
        }
        return new PidFd(pid, FileDescriptor.own(fd, "pidfd of " + pid));
    }

    /** @return empty when there is no such process */
    public static Optional<PidFd> find(int pid) {
        int fd = ProcessCalls.pidfdOpen(pid, 0);
        if (fd == -Errno.ESRCH) {
            return Optional.empty();
        }
        if (fd < 0) {
            throw new SyscallException("pidfd_open", -fd, "pid " + pid);
        }
        return Optional.of(new PidFd(pid, FileDescriptor.own(fd, "pidfd of " + pid)));
    }

    public int pid() {
        return pid;
    }

    /** The descriptor, for poll together with others; it becomes readable when the process exits. */
    public int number() {
        return descriptor.number();
    }

    /** Our own descriptor of an open file of that process (needs PTRACE_MODE_ATTACH). */
    public FileDescriptor take(int remoteFd) {
        int fd = ProcessCalls.pidfdGetfd(descriptor.number(), remoteFd);
        if (fd < 0) {
            throw new SyscallException("pidfd_getfd", -fd, "fd " + remoteFd + " of pid " + pid);
        }
        return FileDescriptor.own(fd, "fd " + remoteFd + " of pid " + pid);
    }

    /** @return false when the process is gone */
    public boolean signal(long signal) {
        int result = ProcessCalls.pidfdSendSignal(descriptor.number(), signal);
        if (result < 0 && result != -Errno.ESRCH) {
            throw new SyscallException("pidfd_send_signal(" + signal + ")", -result, "pid " + pid);
        }
        return result == 0;
    }

    /** True also for a zombie: no instruction of it runs any more. */
    public boolean hasExited() {
        return (FileCalls.poll(descriptor.number(), FileAbi.POLLIN, 0) & FileAbi.POLLIN) != 0;
    }

    /** @return false when it still runs after {@code limit} */
    public boolean awaitExit(Duration limit) {
        int millis = (int) Math.min(Integer.MAX_VALUE, limit.toMillis());
        return (FileCalls.poll(descriptor.number(), FileAbi.POLLIN, millis) & FileAbi.POLLIN) != 0;
    }

    @Override
    public void close() {
        descriptor.close();
    }

    @Override
    public String toString() {
        return "pidfd of " + pid;
    }
}
