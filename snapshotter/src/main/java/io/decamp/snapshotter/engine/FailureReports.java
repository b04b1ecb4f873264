package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Truth;

/** Says {@code migration-failed} for this node. */
record FailureReports(NodeId self, EventSink events) {
    /** @param migration empty when none was asked for */
    void report(WorkloadId workload, String migration, String step, DecampException e, Truth truth) {
        events.migrationFailed(MigrationFailed.newBuilder()
                .setWorkload(workload.value())
                .setMigration(migration)
                .setNode(self.value())
                .setStep(step)
                .setCode(e.code())
                .setReason(e.getMessage())
                .setAdvice(e.advice())
                .setTruth(truth)
                .build());
    }

    /** What holds when a request was refused with this code. */
    static Truth truthOf(String code) {
        boolean absent = code.equals("workload-elsewhere") || code.equals("workload-not-found");
        return absent ? Truth.NOT_HERE : Truth.RUNNING_AT_SOURCE;
    }
}
