package io.decamp.linux.ptrace;

import io.decamp.linux.libc.ProcessCalls;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs work on a platform thread of its own: ptrace binds a tracee to one OS thread, and frees it when that one ends.
 */
final class TracerThread {
    private TracerThread() {}

    static <T> T call(String name, Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(() -> {
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
}
