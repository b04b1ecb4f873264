package io.decamp.snapshotter.engine;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Reason;
import io.opentelemetry.context.Context;

/**
 * A request to move that passed all checks.
 *
 * @param migration id of the migration: the id of the event that asked for it
 * @param destination null for the workload's standby
 * @param requestedAtUnixMicros when it was asked for
 * @param acceptedNanos the same moment or soon after, on this process's monotonic clock
 * @param deadlineUnixMillis the workload had better be gone by then; 0: no such moment
 * @param dryRun everything up to the sealed final delta, then the workload runs on here
 * @param context trace that the request belongs to
 */
public record MigrationOrder(
        String migration,
        WorkloadId workload,
        Reason reason,
        NodeId destination,
        long requestedAtUnixMicros,
        long acceptedNanos,
        long deadlineUnixMillis,
        boolean dryRun,
        Context context) {}
