package io.decamp.contracts.port;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.WorkloadId;
import java.util.Optional;

/** The keeping half of the page stream: what this node holds for others. */
public interface Replicas {
    /** The replica if its final epoch is sealed, else empty. */
    Optional<SealedReplica> sealed(WorkloadId workload, long generation);

    /** The replica whose final epoch is sealed with {@code digest}: an OFFER names it so, also after a restart. */
    Optional<SealedReplica> sealed(WorkloadId workload, Digest digest);

    /** The replica as its last sealed epoch left it, final or not; empty when none is sealed. */
    Optional<StandingReplica> standing(WorkloadId workload, long generation);

    /** Forgets it and gives its memory back; a page server that still serves from it keeps its own descriptor. */
    void drop(WorkloadId workload, long generation);
}
