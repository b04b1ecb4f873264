package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffFold;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.v1.HandoffRecord;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class FencingTest {
    private static final WorkloadId ID = new WorkloadId("runc:redis");
    private static final NodeId ALPHA = new NodeId("alpha");
    private static final NodeId BETA = new NodeId("beta");
    private static final Offered OFFERED = new Offered(ALPHA, BETA, 2, new Digest(new byte[32]), "m");
    private static final Taken TAKEN = new Taken(ALPHA, BETA, 2, OFFERED.digest(), "m", false);

    /** The real fold; before an append, what somebody else has written meanwhile. */
    private static final class Register implements HandoffRegister {
        private final ArrayDeque<UnaryOperator<HandoffState>> others = new ArrayDeque<>();
        private HandoffState state;

        Register(HandoffState state) {
            this.state = state;
        }

        @Override
        public HandoffState current(WorkloadId workload) {
            return state;
        }

        @Override
        public HandoffState append(WorkloadId workload, HandoffRecord record, Duration limit) {
            if (!others.isEmpty()) {
                state = others.poll().apply(state);
            }
            state = HandoffFold.apply(state, record);
            return state;
        }

        @Override
        public HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit) {
            throw new AssertionError("not asked for");
        }

        @Override
        public void onChange(Listener listener) {}
    }

    @Test
    void shouldTakeEverySayOfANodeAway() {
        assertEquals(new Unowned(2, Optional.of(ALPHA)), fence(ALPHA, new Owned(ALPHA, 1)));
        assertEquals(new Owned(ALPHA, 3), fence(BETA, OFFERED));
        assertEquals(new Owned(ALPHA, 3), fence(BETA, TAKEN));
        assertTrue(((Taken) fence(ALPHA, OFFERED)).fromFenced());
        assertTrue(((Taken) fence(ALPHA, TAKEN)).fromFenced());
    }

    @Test
    void shouldConcernNobodyElse() {
        Fencing fencing = new Fencing(new Register(OFFERED), new NodeId("gamma"), "off", "test");

        assertFalse(fencing.concerns(new Owned(ALPHA, 1)));
        assertFalse(fencing.concerns(OFFERED));
        assertFalse(fencing.concerns(TAKEN));
    }

    @Test
    void shouldTryAgainWhenAnotherRecordCameFirst() {
        Register register = new Register(new Owned(ALPHA, 1));
        register.others.add(s -> HandoffFold.apply(
                s, HandoffRecords.offer(ID, s.term() + 1, ALPHA, BETA, OFFERED.digest(), "m")));

        HandoffState after = new Fencing(register, ALPHA, "off", "test").fence(ID, new Owned(ALPHA, 1));

        assertEquals(new Taken(ALPHA, BETA, 2, OFFERED.digest(), "m", true), after);
    }

    @Test
    void shouldSayWhenSomebodyElseGoesOnWriting() {
        Register register = new Register(new Owned(ALPHA, 1));
        for (int i = 0; i < 10; i++) {
            register.others.add(s -> HandoffFold.apply(s, HandoffRecords.claim(ID, s, ALPHA)));
        }
        Fencing fencing = new Fencing(register, ALPHA, "off", "test");

        DecampException e = assertThrows(DecampException.class, () -> fencing.fence(ID, new Owned(ALPHA, 1)));

        assertEquals("not-fenced", e.code());
    }

    private static HandoffState fence(NodeId node, HandoffState state) {
        return new Fencing(new Register(state), node, "off", "test").fence(ID, state);
    }
}
