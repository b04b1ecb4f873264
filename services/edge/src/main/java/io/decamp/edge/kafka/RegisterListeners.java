package io.decamp.edge.kafka;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister.Listener;
import io.decamp.contracts.v1.HandoffRecord;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jboss.logging.Logger;

/**
 * Tells listeners on a thread of their own, in order: one that appends waits for the reader, so it must not stand in
 * its way.
 */
final class RegisterListeners implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(RegisterListeners.class);

    /** Migrations in flight times their steps, with room. Full, the reader waits, and an append's limit resolves it. */
    private static final int CAPACITY = 4_096;

    private record Change(WorkloadId workload, HandoffState before, HandoffState after, HandoffRecord by) {}

    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final BlockingQueue<Change> changes = new ArrayBlockingQueue<>(CAPACITY);
    private final Thread thread =
            Thread.ofPlatform().name("decamp-register-listeners").daemon().unstarted(this::run);

    void add(Listener listener) {
        listeners.add(listener);
    }

    void start() {
        thread.start();
    }

    /** By the reader. */
    void changed(WorkloadId workload, HandoffState before, HandoffState after, HandoffRecord by) {
        if (listeners.isEmpty()) {
            return;
        }
        try {
            changes.put(new Change(workload, before, after, by));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        if (Thread.currentThread() != thread && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                tell(changes.take());
            }
        } catch (InterruptedException e) {
            LOG.debugf("%d changes are not told any more", changes.size());
        }
    }

    private void tell(Change change) {
        for (Listener listener : listeners) {
            try {
                listener.changed(change.workload(), change.before(), change.after(), change.by());
            } catch (RuntimeException e) {
                LOG.errorf(e, "A listener failed on %s -> %s", change.before(), change.after());
            }
        }
    }
}
