package io.decamp.snapshotter.engine;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.util.Optional;
import java.util.function.Consumer;

/** Hands a frozen workload over and sees it to an end, however long the register keeps it waiting. */
public interface Handover {
    /** Code of the exception that says: the service ends, and all stays as it is until it starts again. */
    String INTERRUPTED = "handoff-interrupted";

    /** How it ended. */
    enum Outcome {
        /** The other node owns it; what was frozen here is dead. */
        COMMITTED,
        /** This node keeps it; it runs again. */
        KEPT
    }

    /** @param waitingFor told what the workload waits for, whenever that changes */
    Outcome offer(
            WorkloadId workload, NodeId to, Digest digest, String migration, Consumer<String> waitingFor);

    /** After a restart: finishes what was frozen before it; empty when nothing was. */
    Optional<Outcome> resume(WorkloadId workload, Consumer<String> waitingFor);
}
