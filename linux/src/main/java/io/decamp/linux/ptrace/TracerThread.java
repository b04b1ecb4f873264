package io.decamp.linux.ptrace;

import io.decamp.linux.libc.ProcessCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs work on a platform thread of its own: ptrace binds a tracee to one OS thread, and frees it when that one ends.
 */
final class TracerThread {
    /** An end takes microseconds on a processor of its own. Who traces us can keep a thread that has ended. */
    private static final long END_LIMIT_NANOS = 1_000_000_000;

    private static final long END_POLL_NANOS = 20_000;

    private static final Path PROC = Path.of("/proc");

    private TracerThread() {}

    /** Runs it to its end: when this returns or throws, the OS thread and its hold on any tracee are gone. */
    static <T> T call(String name, Callable<T> work) {
        AtomicReference<Path> osThread = new AtomicReference<>();
        FutureTask<T> task = new FutureTask<>(() -> {
            osThread.set(osThread());
            // While we wait for a processor, the tracee is stopped. The thread ends with its work, and this with it.
            ProcessCalls.raisePriority();
            return work.call();
        });
        Thread thread = Thread.ofPlatform().name(name).daemon().start(task);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    // The work is bounded by its own limits; leaving it would lose track of a stopped process.
                    thread.join();
                    awaitEnd(osThread.get());
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            if (e.getCause() instanceof Error failure) {
                throw failure;
            }
            throw new IllegalStateException(name, e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static Path osThread() {
        try {
            return PROC.resolve(Files.readSymbolicLink(PROC.resolve("thread-self")));
        } catch (IOException e) {
            throw new UncheckedIOException("/proc/thread-self can't be read", e);
        }
    }

    /** A joined thread has left the JVM, but may not yet have left the kernel (kernel/exit.c exit_notify()). */
    private static void awaitEnd(Path osThread) {
        long start = System.nanoTime();
        while (osThread != null && Files.exists(osThread) && System.nanoTime() - start < END_LIMIT_NANOS) {
            LockSupport.parkNanos(END_POLL_NANOS);
        }
    }
}
