package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import java.time.Duration;

/** Takes a node's say in the hand-offs of the register away. What it asserts of the node must be true. */
final class Fencing {
    private static final Duration LIMIT = Duration.ofSeconds(15);
    /** What overtakes a record is another one of the same hand-off: OFFER, TAKE, RUNNING, and it is over. */
    private static final int TRIES = 5;

    private final HandoffRegister register;
    private final NodeId node;
    private final String assertion;
    private final String by;

    Fencing(HandoffRegister register, NodeId node, String assertion, String by) {
        this.register = register;
        this.node = node;
        this.assertion = assertion;
        this.by = by;
    }

    /** Whether the node may still do something, or the register waits for it. */
    boolean concerns(HandoffState state) {
        return switch (state) {
            case HandoffState.Unowned s -> false;
            case HandoffState.Owned s -> s.node().equals(node);
            case HandoffState.Offered s -> s.from().equals(node) || s.to().equals(node);
            case HandoffState.Taken s -> s.to().equals(node) || s.from().equals(node) && !s.fromFenced();
        };
    }

    /**
     * Appends FENCED, again where another record came before it and made it void.
     *
     * @return a state that no longer concerns the node
     * @throws DecampException {@code not-fenced}, {@code register-unreachable}
     */
    HandoffState fence(WorkloadId workload, HandoffState read) {
        HandoffState state = read;
        for (int tries = 0; tries < TRIES && concerns(state); tries++) {
            state = register.append(
                    workload, HandoffRecords.fenced(workload, state, node, assertion, by), LIMIT);
        }
        if (concerns(state)) {
            throw DecampException.retry(
                    "not-fenced",
                    node + " is not fenced for " + workload + ", which is " + state,
                    "Somebody still writes records of it: make sure that the node is off, then try again",
                    null);
        }
        return state;
    }
}
