package io.decamp.linux.ptrace;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Arch;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.pid.PidFd;
import io.decamp.linux.spawn.Idle;
import io.decamp.linux.spawn.SpawnedProcess;
import io.decamp.linux.uffd.UserFaultFd;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Gives us a userfaultfd on another process: stops one of its threads for two remote system calls, userfaultfd and
 * close, and takes the descriptor in between. Nothing is written into its memory; its descriptor table is as before.
 *
 * <p>UFFD_USER_MODE_ONLY is what lets a process without CAP_SYS_PTRACE make one (vm.unprivileged_userfaultfd = 0);
 * faults of the kernel are tracked all the same, as asynchronous write protection never asks a handler.
 *
 * <p>If this JVM is killed inside these microseconds, the process goes on with foreign registers and dies. Where the
 * process is frozen, or gets no processor, in the middle of it, it is waited for without a limit.
 *
 * <p>Do not use it on a child started by {@link ProcessBuilder}: the JDK waits for such a child in a way that takes a
 * ptrace stop for its end.
 */
public final class UserFaultFdInjector {
    /** What was made; {@code stoppedMicros} is how long one thread of the process did not run, at most. */
    public record Injected(UserFaultFd userFaultFd, long stoppedMicros) implements AutoCloseable {
        @Override
        public void close() {
            userFaultFd.close();
        }
    }

    private static final long FLAGS = UffdAbi.UFFD_USER_MODE_ONLY | FileAbi.O_CLOEXEC | FileAbi.O_NONBLOCK;

    /** The first loads classes, the others let the interpreter settle; 100 us each. */
    private static final int REHEARSALS = 3;

    private static final AtomicBoolean REHEARSED = new AtomicBoolean();

    private UserFaultFdInjector() {}

    /**
     * The result still needs its handshake ({@link UserFaultFd#api}).
     *
     * @throws SyscallException {@code PTRACE_SEIZE} with EPERM when it is traced already or we may not; ESRCH when gone
     * @throws io.decamp.contracts.error.DecampException {@code thread-not-stopped}, {@code foreign-abi},
     *     {@code no-syscall-instruction}; the process goes on in every case
     */
    public static Injected inject(int pid) {
        rehearse();
        return injectOnce(pid);
    }

    /**
     * The first time costs milliseconds, most of them for loading classes while a thread is stopped: so the first times
     * are spent on a process of our own. Called by {@link #inject}; a service calls it when it starts.
     */
    public static void rehearse() {
        synchronized (REHEARSED) {
            if (REHEARSED.get()) {
                return;
            }
            try (SpawnedProcess dummy = SpawnedProcess.start(Idle.request("decamp-rehearsal"))) {
                try {
                    for (int i = 0; i < REHEARSALS; i++) {
                        injectOnce(dummy.pid()).close();
                    }
                } finally {
                    dummy.kill();
                }
            }
            REHEARSED.set(true);
        }
    }

    private static Injected injectOnce(int pid) {
        return TracerThread.call("inject-" + pid, () -> injectHere(pid));
    }

    private static Injected injectHere(int pid) {
        long instruction = SyscallInstruction.find(pid, Registers.current());
        try (PidFd process = PidFd.open(pid);
                Tracee tracee = new Tracee(pid, instruction)) {
            tracee.stop();
            long remote = tracee.call(Arch.current().userfaultfdNumber(), FLAGS);
            if (remote < 0) {
                throw new SyscallException("remote userfaultfd", (int) -remote, "pid " + pid);
            }
            FileDescriptor taken = take(process, tracee, (int) remote);
            try {
                return new Injected(new UserFaultFd(taken), tracee.release() / 1000);
            } catch (RuntimeException e) {
                taken.close();
                throw e;
            }
        }
    }

    private static FileDescriptor take(PidFd process, Tracee tracee, int remote) {
        FileDescriptor taken = null;
        try {
            taken = process.take(remote);
            return taken;
        } finally {
            long closed = tracee.call(Arch.current().closeNumber(), remote);
            if (closed < 0) {
                if (taken != null) {
                    taken.close();
                }
                throw new SyscallException("remote close", (int) -closed, "fd " + remote + " of pid " + process.pid());
            }
        }
    }
}
