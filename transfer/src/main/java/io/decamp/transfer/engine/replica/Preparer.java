package io.decamp.transfer.engine.replica;

import io.decamp.linux.file.SparseFile;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jboss.logging.Logger;

/**
 * Gets memory for coming pages ahead of the writer, on a thread of its own: allocating a fresh tmpfs page takes longer
 * than filling it. Works through hints in the order they came and gives up at the first trouble, as the writer will
 * meet
 * it too. {@link #stop} waits until no file is used any more.
 */
final class Preparer {
    private static final Logger LOG = Logger.getLogger(Preparer.class);

    /** A step holds the lock of the file that the writer needs as well. */
    private static final long STEP_BYTES = 1 << 20;

    /** Hints that wait; more are not worth their memory. */
    private static final int MAX_HINTS = 1 << 20;

    private record Hint(SparseFile file, long address, long lengthBytes) {}

    private final Deque<Hint> hints = new ArrayDeque<>();
    private Thread worker;
    private boolean stopped;

    synchronized void add(SparseFile file, long address, long lengthBytes) {
        if (stopped || hints.size() >= MAX_HINTS) {
            return;
        }
        hints.add(new Hint(file, address, lengthBytes));
        if (worker == null) {
            worker = Thread.ofPlatform().name("replica-prepare").daemon().start(this::work);
        }
    }

    private synchronized Hint next() {
        Hint hint = stopped ? null : hints.poll();
        if (hint == null) {
            worker = null;
            notifyAll();
        }
        return hint;
    }

    private synchronized boolean stopped() {
        return stopped;
    }

    private void work() {
        Hint hint;
        while ((hint = next()) != null) {
            try {
                long end = hint.address + hint.lengthBytes;
                for (long at = hint.address; at < end && !stopped(); at += STEP_BYTES) {
                    hint.file.reserve(at, Math.min(STEP_BYTES, end - at));
                }
            } catch (IOException e) {
                LOG.debugf("No memory ahead of the writer: %s", e.getMessage());
                cancel();
            }
        }
    }

    private synchronized void cancel() {
        stopped = true;
        hints.clear();
    }

    /** Forgets what was not done and returns when the worker has let go of all files. */
    void stop() {
        boolean interrupted = false;
        synchronized (this) {
            cancel();
            while (worker != null) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
