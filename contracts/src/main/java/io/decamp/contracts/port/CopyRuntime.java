package io.decamp.contracts.port;

import io.decamp.contracts.id.WorkloadId;
import java.nio.file.Path;

/**
 * The destination side of one kind of workload: brings a sealed replica to life up to the point where not one
 * instruction was executed, and then releases or destroys it. Survives a restart of the service in every state.
 */
public interface CopyRuntime {
    /** @param lazy memory is served on demand and filled in the background after the release */
    record Held(WorkloadId id, int initPid, boolean lazy) {}

    /** What is there of a copy, also after a restart. */
    enum Hold {
        NONE,
        /** Restoring did not finish: only {@link #destroy} is possible. */
        PARTIAL,
        /** Complete and frozen. */
        HELD,
        /**
         * A {@link #release} has begun and was cut off: instructions may have run, or none, and what follows the first
         * may not have been done. Only another release ends it.
         */
        RELEASING,
        /** The release is over. */
        RELEASED
    }

    /**
     * Does what can be done before the replica is final, so that less is left for when the workload is frozen. Called
     * after each sealed epoch. Idempotent; most kinds have nothing to do.
     *
     * @throws io.decamp.contracts.error.DecampException when a copy could not be prepared here as things are
     */
    default void warm(WorkloadId id, StandingReplica replica) {}

    /** The workload is not expected here any more: takes back what {@link #warm} did. Idempotent. */
    default void cool(WorkloadId id) {}

    /**
     * Restores and holds.
     *
     * @throws io.decamp.contracts.error.DecampException {@code restore-failed} with criu's reason; nothing is left
     */
    Held prepare(WorkloadId id, SealedReplica replica, Path bundle);

    Hold hold(WorkloadId id);

    /** Lets the copy run, and does all that must follow; goes on where an earlier one was cut off. Idempotent. */
    void release(WorkloadId id);

    /** Kills what there is of the copy, without an instruction. Refused once a release has begun. Idempotent. */
    void destroy(WorkloadId id);
}
