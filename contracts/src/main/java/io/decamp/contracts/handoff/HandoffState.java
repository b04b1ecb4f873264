package io.decamp.contracts.handoff;

import io.decamp.contracts.id.NodeId;

/**
 * Who owns a workload, as the fold of its records in topic {@code handoff} says. {@code term} grows with every change of
 * owner; a record whose term does not fit is void.
 */
public sealed interface HandoffState {
    long term();

    /** Nobody has claimed it, or it ended. */
    record Unowned(long term) implements HandoffState {}

    /** {@code node} runs it. */
    record Owned(NodeId node, long term) implements HandoffState {}

    /** {@code from} holds it frozen and offers the copy with {@code digest} to {@code to}; the first TAKE or ABORT decides. */
    record Offered(NodeId from, NodeId to, long term, Digest digest, String migration) implements HandoffState {}

    /** {@code to} alone may let its copy run; {@code from} stays frozen until RUNNING or RETURN. */
    record Taken(NodeId from, NodeId to, long term, Digest digest, String migration) implements HandoffState {}
}
