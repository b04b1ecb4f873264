package io.decamp.contracts.handoff;

import io.decamp.contracts.id.NodeId;
import java.util.Optional;

/**
 * Who owns a workload, as {@link HandoffFold} makes it of the records in topic {@code handoff}. {@code term} never
 * shrinks; it grows with each CLAIM and OFFER, and with each FENCED that takes a right away.
 */
public sealed interface HandoffState {
    /** Before the first record. */
    HandoffState NOBODY = new Unowned(0);

    long term();

    /**
     * Nobody has claimed it, or it ended.
     *
     * @param fenced the node that had the last right to it and was declared fenced: what it may still hold must be
     *     destroyed, by the node itself when it comes back
     */
    record Unowned(long term, Optional<NodeId> fenced) implements HandoffState {
        public Unowned(long term) {
            this(term, Optional.empty());
        }
    }

    /** {@code node} runs it. */
    record Owned(NodeId node, long term) implements HandoffState {}

    /**
     * {@code from} holds it frozen and offers the copy with {@code digest} to {@code to}; the first TAKE or ABORT
     * decides.
     */
    record Offered(NodeId from, NodeId to, long term, Digest digest, String migration) implements HandoffState {}

    /**
     * {@code to} alone may let its copy run; {@code from} stays frozen until RUNNING or RETURN.
     *
     * @param fromFenced the frozen original is destroyed: there is nothing to return to
     */
    record Taken(NodeId from, NodeId to, long term, Digest digest, String migration, boolean fromFenced)
            implements HandoffState {}
}
