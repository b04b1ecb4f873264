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
 * @param context trace that the request belongs to
 */
public record MigrationOrder(
        String migration,
        WorkloadId workload,
        Reason reason,
        NodeId destination,
        long requestedAtUnixMicros,
        Context context) {}
