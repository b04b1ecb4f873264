package io.decamp.snapshotter.engine;

import io.decamp.contracts.id.WorkloadId;

/** Lets the node that saw a workload end take it out of the desired state. Never blocks for long, never throws. */
public interface DesiredState {
    void remove(WorkloadId workload);
}
