package io.decamp.restorer.engine.lazy;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.uffd.UffdEvent;
import io.decamp.linux.uffd.UserFaultFd;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * One restored address space: its userfaultfd, what it still needs of the replica, and its journal.
 *
 * <p>The one invariant: between reading an event and having changed the map no page is placed, else data could land
 * where the workload has just dropped or moved it (the kernel lets the workload go on once its event was read). So one
 * thread reads events under the write lock, and fillers look up and place under the read lock.
 */
final class ServedSpace implements AutoCloseable {
    /** What a new child process needs so that it can be served. */
    interface Forks {
        /** @param message in the parent's journal; must be marked as handled when the child is safe */
        void forked(ServedSpace parent, UserFaultFd child, int message);
    }

    /** A fault also brings in this much: neighbours are wanted next, and it costs less than the fault itself. */
    private static final long FAULT_AROUND_BYTES = 16 << 10;

    /** How much a filler places before it lets go of the lock: about 1 ms. */
    private static final long FILL_BATCH_BYTES = 2 << 20;

    /** The same while threads of the workload wait for pages, which then wait for about 0.1 ms. */
    private static final long BUSY_FILL_BATCH_BYTES = 256 << 10;

    private static final long BUSY_NANOS = 10_000_000;
    private static final long PAGE = 4096;

    private final int index;
    private final int containerPid;
    private final SpaceJournal journal;
    private final ReplicaFile replica;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final LongAdder faults = new LongAdder();
    private final ServedMap map;
    private UserFaultFd uffd;
    private PagePlacer faultPlacer;
    private long[] waiting = new long[SpaceJournal.READ_BATCH];
    private int waitingCount;
    private volatile long lastFaultNanos;
    private volatile boolean gone;
    private boolean closed;

    /** @param replica null when the map is empty for ever; shared with the children */
    ServedSpace(SpaceJournal journal, ServedMap map, ReplicaFile replica) {
        this.index = journal.space();
        this.containerPid = journal.containerPid();
        this.journal = journal;
        this.map = map;
        this.replica = replica;
        this.lastFaultNanos = System.nanoTime() - BUSY_NANOS;
    }

    int index() {
        return index;
    }

    /** As CRIU announces it; of a forked child, that of its ancestor. */
    int containerPid() {
        return containerPid;
    }

    SpaceJournal journal() {
        return journal;
    }

    ReplicaFile replica() {
        return replica;
    }

    void attach(UserFaultFd descriptor) {
        uffd = descriptor;
        faultPlacer = new PagePlacer(descriptor);
    }

    boolean isAttached() {
        return uffd != null;
    }

    UserFaultFd uffd() {
        return uffd;
    }

    /** The process has exited or executed another program. */
    boolean isGone() {
        return gone;
    }

    /** Threads are waiting whose fault could not be answered yet. */
    boolean hasWaiting() {
        return waitingCount > 0;
    }

    long faults() {
        return faults.sum();
    }

    long remainingBytes() {
        Lock reading = lock.readLock();
        reading.lock();
        try {
            synchronized (map) {
                return gone ? 0 : map.bytes();
            }
        } finally {
            reading.unlock();
        }
    }

    /** The map at this moment; only from within {@link Forks#forked}. */
    ServedMap mapOfChild() {
        synchronized (map) {
            return map.copy();
        }
    }

    /**
     * Reads and handles one batch of what is queued, and answers the faults. From the event thread only.
     *
     * @return false when nothing was queued
     */
    boolean handleQueued(Forks forks) {
        lock.writeLock().lock();
        try {
            if (closed) {
                return false;
            }
            long bytes = uffd.read(journal.readAddress(), (long) SpaceJournal.READ_BATCH * UffdAbi.MESSAGE_BYTES);
            int messages = (int) (bytes / UffdAbi.MESSAGE_BYTES);
            if (messages > 0) {
                handle(messages, forks);
            }
            answerWaiting();
            return messages > 0;
        } finally {
            lock.writeLock().unlock();
        }
    }

    private void handle(int messages, Forks forks) {
        boolean changed = false;
        for (int message = journal.size(); message < journal.size() + messages; message++) {
            if (journal.event(message) == UffdAbi.UFFD_EVENT_PAGEFAULT) {
                addWaiting(journal.memory()
                        .get(JAVA_LONG, journal.messageOffset(message) + UffdAbi.PAGEFAULT_ADDRESS));
            } else {
                apply(message, forks);
                changed = true;
            }
        }
        if (changed) {
            journal.keep(messages);
        } else {
            journal.wipe(messages);
        }
        if (journal.isFull()) {
            journal.snapshot(map);
        }
    }

    private void apply(int message, Forks forks) {
        switch (UffdEvent.decode(journal.memory(), journal.messageOffset(message))) {
            case UffdEvent.Fork fork -> forks.forked(this, fork.child(), message);
            case UffdEvent event -> change(map, event);
        }
    }

    /** What an event other than a fork or a fault means for a map. */
    static void change(ServedMap map, UffdEvent event) {
        switch (event) {
            case UffdEvent.Remove remove -> map.remove(remove.start(), remove.end());
            case UffdEvent.Unmap unmap -> map.remove(unmap.start(), unmap.end());
            case UffdEvent.Remap remap -> map.move(remap.from(), remap.to(), remap.bytes());
            case UffdEvent.Fork fork -> throw new IllegalArgumentException("a fork changes no map: " + fork);
            case UffdEvent.Pagefault fault -> throw new IllegalArgumentException("a fault changes no map: " + fault);
        }
    }

    private void addWaiting(long address) {
        if (waitingCount == waiting.length) {
            waiting = Arrays.copyOf(waiting, waitingCount * 2);
        }
        waiting[waitingCount++] = address & -PAGE;
        faults.increment();
        lastFaultNanos = System.nanoTime();
    }

    private void answerWaiting() {
        int left = 0;
        for (int i = 0; i < waitingCount && !gone; i++) {
            PagePlacer.Outcome outcome = answer(waiting[i]);
            if (outcome == PagePlacer.Outcome.GONE) {
                leave();
            } else if (outcome != PagePlacer.Outcome.DONE) {
                waiting[left++] = waiting[i];
            }
        }
        waitingCount = gone ? 0 : left;
    }

    private PagePlacer.Outcome answer(long address) {
        ServedMap.Extent extent = map.at(address);
        if (extent == null) {
            return faultPlacer.placeZero(address);
        }
        long bytes = Math.min(extent.end() - address, FAULT_AROUND_BYTES);
        return faultPlacer.placeFault(replica, address, extent.originOf(address), bytes);
    }

    /**
     * What a filler may take next from {@code address} on: at most one batch, null when there is nothing behind it.
     * Taking it does not reserve it.
     */
    ServedMap.Extent next(long address) {
        lock.readLock().lock();
        try {
            synchronized (map) {
                ServedMap.Extent extent = gone ? null : map.from(address);
                if (extent == null) {
                    return null;
                }
                long boundary = (extent.start() & -FILL_BATCH_BYTES) + FILL_BATCH_BYTES;
                return extent.end() <= boundary ? extent : extent.part(extent.start(), boundary);
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    /**
     * Places what is still served of {@code [start, end)}; {@link PagePlacer#outcome} says whether it had to stop.
     *
     * @param placer of this space and the calling filler
     * @return bytes settled: in place, or zero in the replica
     */
    long fill(long start, long end, PagePlacer placer) {
        long settled = 0;
        long at = start;
        do {
            boolean busy = System.nanoTime() - lastFaultNanos < BUSY_NANOS;
            long batchEnd = Math.min(end, at + (busy ? BUSY_FILL_BATCH_BYTES : FILL_BATCH_BYTES));
            lock.readLock().lock();
            try {
                settled += fillBatch(at, batchEnd, placer);
            } finally {
                lock.readLock().unlock();
            }
            at = batchEnd;
        } while (at < end && placer.outcome() == PagePlacer.Outcome.DONE);
        return settled;
    }

    private long fillBatch(long start, long end, PagePlacer placer) {
        long settled = 0;
        placer.restart();
        for (long at = start; at < end && placer.outcome() == PagePlacer.Outcome.DONE; ) {
            ServedMap.Extent extent;
            synchronized (map) {
                extent = gone ? null : map.from(at);
            }
            if (extent == null || extent.start() >= end) {
                return settled;
            }
            long bytes = Math.min(extent.end(), end) - extent.start();
            if (placer.place(replica, extent.start(), extent.origin(), bytes) == PagePlacer.Outcome.GONE) {
                gone = true;
            }
            settled += placer.settledBytes();
            synchronized (map) {
                map.remove(extent.start(), extent.start() + placer.settledBytes());
            }
            at = extent.start() + bytes;
        }
        return settled;
    }

    private void leave() {
        gone = true;
        waitingCount = 0;
    }

    /** Lets every thread that waits for a page fault anew: its message may have died with a predecessor. */
    void wakeAll(long lowestAddress, long highestAddress) {
        uffd.wake(lowestAddress, highestAddress - lowestAddress);
    }

    /** Gives the descriptor back; the journal stays for a successor. Idempotent. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (uffd != null && !closed) {
                faultPlacer.close();
                uffd.close();
            }
            closed = true;
            journal.close();
        } finally {
            lock.writeLock().unlock();
        }
    }
}
