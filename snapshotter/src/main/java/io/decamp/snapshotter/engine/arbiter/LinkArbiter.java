package io.decamp.snapshotter.engine.arbiter;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets the workloads of a node that ship over the same link take turns, a batch each, in the order of {@link
 * TurnQueue}. Two may send to one destination at a time: while one waits for an acknowledgement, the other keeps the
 * link busy. Safe for use by many threads; a turn that nobody else wants costs a lock.
 */
public final class LinkArbiter {
    /** Turns at a time for one destination. */
    static final int TURNS_AT_ONCE = 2;

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<NodeId, Link> links = new HashMap<>();

    /** The right to send one batch. Give it back. */
    public final class Turn implements AutoCloseable {
        private final Link link;
        private final Condition granted = lock.newCondition();
        private boolean has;
        private boolean over;

        private Turn(Link link) {
            this.link = link;
        }

        /** The next one comes. Twice is fine. */
        @Override
        public void close() {
            lock.lock();
            try {
                if (!over) {
                    over = true;
                    link.free++;
                    link.grant();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** One for each destination that was ever shipped to: a handful. Guarded by the lock. */
    private static final class Link {
        private final TurnQueue<Turn> queue = new TurnQueue<>();
        private int free = TURNS_AT_ONCE;

        void grant() {
            while (free > 0 && !queue.isEmpty()) {
                Turn next = queue.next(System.nanoTime());
                next.has = true;
                free--;
                next.granted.signal();
            }
        }
    }

    /** The share of one workload, which knows where it ships to and how urgent it is. Any thread. */
    public Share share(WorkloadId workload) {
        return new Share(this, workload);
    }

    /**
     * Waits for a turn.
     *
     * @throws DecampException {@code interrupted}
     */
    public Turn turn(WorkloadId workload, NodeId destination, Need need) {
        lock.lock();
        try {
            Link link = links.computeIfAbsent(destination, d -> new Link());
            Turn turn = new Turn(link);
            link.queue.add(turn, workload.value(), need, System.nanoTime());
            link.grant();
            while (!turn.has) {
                await(turn, workload);
            }
            return turn;
        } finally {
            lock.unlock();
        }
    }

    private static void await(Turn turn, WorkloadId workload) {
        try {
            turn.granted.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            if (turn.has) {
                turn.close();
            } else {
                turn.link.queue.remove(turn);
            }
            throw DecampException.retry(
                    "interrupted",
                    workload + " was interrupted while it waited for the link",
                    "The next epoch sends it",
                    e);
        }
    }
}
