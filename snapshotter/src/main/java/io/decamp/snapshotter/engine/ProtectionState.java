package io.decamp.snapshotter.engine;

import io.decamp.contracts.id.NodeId;
import java.time.Instant;

/** What this node does for one workload that it runs. Changed by {@link Protection} only, in one method. */
public sealed interface ProtectionState {
    /** Looking for the workload, its standby and its tracking. */
    record Starting() implements ProtectionState {}

    /** Epochs go to {@code standby}; {@code epoch} is the last that it sealed, 0 for none. */
    record Protecting(NodeId standby, long epoch) implements ProtectionState {}

    /** Can't ship for now; the workload runs on unprotected. Tried again at {@code retryAt}. */
    record Waiting(String code, String reason, Instant retryAt) implements ProtectionState {}

    /** A move is on; {@code step} is a word of {@code migration-failed}. */
    record Evicting(String migration, NodeId destination, String step) implements ProtectionState {}

    /** Offered: frozen until the register decides. */
    record Frozen(String migration, NodeId destination, String waitingFor) implements ProtectionState {}

    /** Another node runs it now. */
    record Gone(NodeId to) implements ProtectionState {}

    /** It ended by itself, or protection was released. */
    record Ended(String reason) implements ProtectionState {}

    /** For status and logs: the name of the record. */
    default String label() {
        return getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
    }
}
