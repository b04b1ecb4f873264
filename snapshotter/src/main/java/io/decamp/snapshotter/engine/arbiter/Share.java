package io.decamp.snapshotter.engine.arbiter;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;

/**
 * One workload's share of the links: where it ships to now, and how badly it needs to. Set by its loop, used by its
 * sender.
 */
public final class Share {
    private final LinkArbiter arbiter;
    private final WorkloadId workload;
    private volatile NodeId destination;
    private volatile Need need = Need.ROUTINE;

    Share(LinkArbiter arbiter, WorkloadId workload) {
        this.arbiter = arbiter;
        this.workload = workload;
    }

    public void shipsTo(NodeId node) {
        destination = node;
    }

    public void needs(Need now) {
        need = now;
    }

    /** Waits until it is this workload's turn to send a batch. */
    public LinkArbiter.Turn turn() {
        return arbiter.turn(workload, destination, need);
    }
}
