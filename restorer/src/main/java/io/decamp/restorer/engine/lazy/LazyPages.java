package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.SealedReplica;
import java.nio.file.Path;
import java.util.List;

/**
 * Gives restored copies their memory on demand, out of their replica, and fills in the rest in the background.
 *
 * <p>Order of calls for one copy: {@link #start}, then {@code criu restore --lazy-pages -W <work directory>} (runc: the
 * same as {@code --lazy-pages --work-path}), {@link #requireAttached}, the release of the copy, {@link #beginFill};
 * {@link Listener#onComplete} ends it. {@link #destroy} is allowed at any time at which the copy is dead.
 *
 * <p>After a restart of the service, {@link #takeOver} comes before any other call: until then, a copy that touches
 * memory which has not arrived blocks. Thread safe.
 */
public interface LazyPages extends AutoCloseable {
    /** What was done when all memory is in place. */
    record Report(long filledBytes, long fillMillis, long faults, int takeOvers) {}

    /** Told from the threads of the page server; must not block but for what it documents. */
    interface Listener {
        /** All memory is in place and nothing of the page server is left: the copy may be tracked and protected again. */
        void onComplete(WorkloadId id, Report report);

        /**
         * Memory of this copy can't be provided any more, now or for a process it has just forked. Must freeze every task
         * of the copy before it returns: what runs on reads zeros instead of its memory.
         *
         * @param reason what was lost and why, with advice
         */
        void onLost(WorkloadId id, DecampException reason);
    }

    /** Where a copy's memory is. */
    enum State {
        /** Nothing is known of it: complete, destroyed, or never lazy. */
        NONE,
        /** Ready for CRIU. */
        WAITING,
        /** CRIU has handed over every process; faults are answered. */
        SERVING,
        /** As before, and the rest is being filled in. */
        FILLING,
        /** Told by {@link Listener#onLost}; stays until {@link #destroy}. */
        LOST
    }

    /**
     * Prepares the images for a lazy restore and listens.
     *
     * @param images directory of the image files that CRIU will restore from; its pagemaps are replaced
     * @return the work directory that CRIU has to be given: {@code lazy-pages.socket} is in it
     * @throws DecampException {@code replica-incomplete}, {@code bad-image}: nothing is left behind
     */
    Path start(WorkloadId id, SealedReplica replica, Path images);

    /**
     * Call when CRIU has ended with success, before the copy counts as held.
     *
     * @throws DecampException {@code lazy-not-attached} if a process with lazy pages was not handed over
     */
    void requireAttached(WorkloadId id);

    /** Starts to fill in, in the background; idempotent. Also allowed while the copy is held. */
    void beginFill(WorkloadId id);

    State state(WorkloadId id);

    /** Bytes that are still to be filled in, 0 when {@link State#NONE}. */
    long remainingBytes(WorkloadId id);

    /**
     * Goes on where a page server that has died stopped, for every copy it served.
     *
     * @return the copies that are served again; those that are lost were told to the listener
     */
    List<WorkloadId> takeOver();

    /** Ends serving and gives everything back; the copy must be dead, or it reads zeros from then on. Idempotent. */
    void destroy(WorkloadId id);

    /** Stops the threads and leaves every copy for the next {@link #takeOver}. */
    @Override
    void close();
}
