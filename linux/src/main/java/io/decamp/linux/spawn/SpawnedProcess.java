package io.decamp.linux.spawn;

import io.decamp.linux.abi.ProcessAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.ProcessCalls;
import io.decamp.linux.libc.SpawnCalls;
import io.decamp.linux.pid.PidFd;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A child of ours that needs not die with us. While we live its end is a zombie until {@link #awaitExit} or
 * {@link #kill} reaps it. Unlike a {@link Process}, nothing waits for it behind our back, so it may be traced.
 * Thread safe.
 */
public final class SpawnedProcess implements AutoCloseable {
    private static final int SIGNAL_MASK = 0x7f;
    private static final int EXIT_SHIFT = 8;

    /** SIGKILL works at once, unless the process is frozen or in uninterruptible sleep: then someone must be told. */
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);

    private final PidFd process;
    private OptionalInt exit = OptionalInt.empty();

    private SpawnedProcess(PidFd process) {
        this.process = process;
    }

    /** @throws io.decamp.linux.libc.SyscallException when it could not be executed */
    public static SpawnedProcess start(SpawnRequest request) {
        Map<Integer, Integer> numbers = new LinkedHashMap<>();
        request.descriptors().forEach((there, here) -> numbers.put(there, here.number()));
        List<String> environment = request.environment().entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue())
                .toList();
        int pid = SpawnCalls.spawn(
                request.program().toString(),
                request.arguments(),
                environment,
                numbers,
                request.directory() == null ? null : request.directory().toString(),
                request.newSession());
        return new SpawnedProcess(PidFd.open(pid));
    }

    public int pid() {
        return process.pid();
    }

    public PidFd pidFd() {
        return process;
    }

    public boolean isAlive() {
        return !process.hasExited();
    }

    /** @return false when it is gone already */
    public boolean signal(long signal) {
        return process.signal(signal);
    }

    /** @return its exit code, or 128 + signal as a shell has it; empty when it still runs after {@code limit} */
    public synchronized OptionalInt awaitExit(Duration limit) {
        if (exit.isEmpty() && process.awaitExit(limit)) {
            int status = ProcessCalls.reap(process.pid());
            int signal = status & SIGNAL_MASK;
            exit = OptionalInt.of(signal == 0 ? status >> EXIT_SHIFT & 0xFF : 128 + signal);
        }
        return exit;
    }

    /** SIGKILL and reap. Idempotent. @throws IllegalStateException when the kernel can't end it in time */
    public void kill() {
        if (awaitExit(Duration.ZERO).isEmpty()) {
            process.signal(ProcessAbi.SIGKILL);
            if (awaitExit(KILL_LIMIT).isEmpty()) {
                throw new IllegalStateException(
                        "process " + pid() + " did not end within " + KILL_LIMIT + " of SIGKILL");
            }
        }
    }

    /** Our own descriptor of an open file of the process. */
    public FileDescriptor take(int remoteFd) {
        return process.take(remoteFd);
    }

    /** Gives up the handle; the process goes on. */
    @Override
    public void close() {
        process.close();
    }
}
