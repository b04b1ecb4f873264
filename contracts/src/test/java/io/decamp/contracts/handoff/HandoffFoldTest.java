package io.decamp.contracts.handoff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Abort;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.HandoffRecord.StepCase;
import io.decamp.contracts.v1.Offer;
import io.decamp.contracts.v1.Take;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class HandoffFoldTest {
    private static final WorkloadId W = new WorkloadId("runc:web");
    private static final NodeId A = new NodeId("alpha");
    private static final NodeId B = new NodeId("beta");
    private static final NodeId C = new NodeId("gamma");
    private static final Digest D = new Digest(new byte[32]);
    private static final long T = 7;

    private static final Unowned UNOWNED = new Unowned(T);
    private static final Unowned FENCED_A = new Unowned(T, Optional.of(A));
    private static final Owned OWNED = new Owned(A, T);
    private static final Offered OFFERED = new Offered(A, B, T, D, "m1");
    private static final Taken TAKEN = new Taken(A, B, T, D, "m1", false);
    private static final Taken ORPHANED = new Taken(A, B, T, D, "m1", true);

    /** Every pair of state, step and node that counts, with what it leads to. All other pairs are void. */
    private static Map<String, HandoffState> counting() {
        Map<String, HandoffState> all = new HashMap<>();
        for (NodeId n : List.of(A, B, C)) {
            all.put(key(UNOWNED, StepCase.CLAIM, n), new Owned(n, T + 1));
            all.put(key(FENCED_A, StepCase.CLAIM, n), new Owned(n, T + 1));
        }
        all.put(key(OWNED, StepCase.CLAIM, A), new Owned(A, T + 1));
        all.put(key(OWNED, StepCase.OFFER, A), new Offered(A, C, T + 1, D, "m2"));
        all.put(key(OWNED, StepCase.FENCED, A), new Unowned(T + 1, Optional.of(A)));
        all.put(key(OWNED, StepCase.ENDED, A), new Unowned(T));
        all.put(key(OFFERED, StepCase.TAKE, B), TAKEN);
        all.put(key(OFFERED, StepCase.ABORT, A), OWNED);
        all.put(key(OFFERED, StepCase.ABORT, B), OWNED);
        all.put(key(OFFERED, StepCase.FENCED, A), ORPHANED);
        all.put(key(OFFERED, StepCase.FENCED, B), new Owned(A, T + 1));
        all.put(key(TAKEN, StepCase.RUNNING, B), new Owned(B, T));
        all.put(key(TAKEN, StepCase.RETURN, B), OWNED);
        all.put(key(TAKEN, StepCase.FENCED, A), ORPHANED);
        all.put(key(TAKEN, StepCase.FENCED, B), new Owned(A, T + 1));
        all.put(key(ORPHANED, StepCase.RUNNING, B), new Owned(B, T));
        all.put(key(ORPHANED, StepCase.ENDED, B), new Unowned(T, Optional.of(A)));
        all.put(key(ORPHANED, StepCase.FENCED, B), new Unowned(T + 1, Optional.of(B)));
        return all;
    }

    private record Pair(HandoffState state, StepCase step, NodeId by) {
        @Override
        public String toString() {
            return by + " says " + step + " in " + state.getClass().getSimpleName();
        }
    }

    static Stream<Pair> pairs() {
        List<Pair> all = new ArrayList<>();
        for (HandoffState state : List.of(UNOWNED, FENCED_A, OWNED, OFFERED, TAKEN, ORPHANED)) {
            for (StepCase step : StepCase.values()) {
                for (NodeId by : List.of(A, B, C)) {
                    all.add(new Pair(state, step, by));
                }
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void shouldCountWhatFitsAndNothingElse(Pair pair) {
        HandoffState due = counting().getOrDefault(key(pair.state(), pair.step(), pair.by()), pair.state());

        HandoffFold.Outcome outcome = HandoffFold.judge(pair.state(), record(pair, dueTerm(pair.step())));

        assertEquals(due, outcome.state());
        assertEquals(!due.equals(pair.state()), outcome.counted());
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void shouldVoidEveryRecordOfAnotherTerm(Pair pair) {
        for (long term : new long[] {0, T - 1, T, T + 1, T + 2, Long.MAX_VALUE, -1}) {
            if (term != dueTerm(pair.step())) {
                HandoffFold.Outcome outcome = HandoffFold.judge(pair.state(), record(pair, term));

                assertEquals(pair.state(), outcome.state(), "term " + term);
                assertFalse(outcome.counted());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void shouldVoidTheRepetitionOfARecord(Pair pair) {
        HandoffRecord record = record(pair, dueTerm(pair.step()));
        HandoffState once = HandoffFold.apply(pair.state(), record);

        HandoffState twice = HandoffFold.apply(once, record);

        assertEquals(once, twice);
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void shouldNeverShrinkTheTerm(Pair pair) {
        HandoffState after = HandoffFold.apply(pair.state(), record(pair, dueTerm(pair.step())));

        assertTrue(after.term() >= pair.state().term());
    }

    @Test
    void shouldLetTheFirstOfTakeAndAbortDecide() {
        HandoffState taken = HandoffFold.apply(OFFERED, HandoffRecords.take(W, OFFERED, B));
        HandoffState aborted = HandoffFold.apply(OFFERED, HandoffRecords.abort(W, OFFERED, A, "late"));

        assertEquals(taken, HandoffFold.apply(taken, HandoffRecords.abort(W, OFFERED, A, "late")));
        assertEquals(aborted, HandoffFold.apply(aborted, HandoffRecords.take(W, OFFERED, B)));
    }

    @Test
    void shouldVoidAnOfferThatARenewedClaimOutran() {
        HandoffRecord offer = HandoffRecords.offer(W, T + 1, A, B, D, "m1");
        HandoffState renewed = HandoffFold.apply(OWNED, HandoffRecords.claim(W, OWNED, A));

        assertEquals(renewed, HandoffFold.apply(renewed, offer));
    }

    @Test
    void shouldVoidAReturnThatWasSentBeforeItsSourceWasFenced() {
        HandoffRecord sent = HandoffRecords.returned(W, TAKEN, B, "failed");
        HandoffState orphaned = HandoffFold.apply(TAKEN, HandoffRecords.fenced(W, TAKEN, A, "off", "operator"));

        assertEquals(ORPHANED, HandoffFold.apply(orphaned, sent));
    }

    @Test
    void shouldVoidABarrierWherever() {
        pairs().map(Pair::state)
                .distinct()
                .forEach(s -> assertEquals(s, HandoffFold.apply(s, HandoffRecords.barrier(W, A))));
        assertEquals(
                HandoffState.NOBODY, HandoffFold.apply(HandoffState.NOBODY, HandoffRecords.barrier(W, A)));
    }

    static Stream<HandoffRecord> malformed() {
        HandoffRecord.Builder r = HandoffRecord.newBuilder().setWorkload(W.value()).setTerm(T);
        Offer offer = Offer.newBuilder()
                .setFrom("alpha")
                .setTo("beta")
                .setDigest(ByteString.copyFrom(new byte[32]))
                .setMigration("m1")
                .build();
        HandoffRecord.Builder next = r.clone().setTerm(T + 1);
        return Stream.of(
                r.clone().build(),
                r.clone().setTake(Take.getDefaultInstance()).build(),
                r.clone().setTake(Take.newBuilder().setNode("no such/name")).build(),
                r.clone().setWorkload("").setTake(Take.newBuilder().setNode("beta")).build(),
                r.clone().setWorkload("docker:x").setTake(Take.newBuilder().setNode("beta")).build(),
                r.clone()
                        .setAbort(Abort.newBuilder().setNode("beta").setReason("x".repeat(5000)))
                        .build(),
                next.clone().setOffer(offer.toBuilder().setTo("alpha")).build(),
                next.clone().setOffer(offer.toBuilder().clearTo()).build(),
                next.clone().setOffer(offer.toBuilder().clearFrom()).build(),
                next.clone().setOffer(offer.toBuilder().clearMigration()).build(),
                next.clone().setOffer(offer.toBuilder().setDigest(ByteString.copyFrom(new byte[20]))).build());
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void shouldVoidMalformedRecordsWithTheReason(HandoffRecord record) {
        for (HandoffState state : List.of(OWNED, OFFERED)) {
            HandoffFold.Outcome outcome = HandoffFold.judge(state, record);

            assertEquals(state, outcome.state());
            assertFalse(outcome.voidBecause().orElseThrow().isBlank());
        }
    }

    private static String key(HandoffState state, StepCase step, NodeId by) {
        return state + " " + step + " " + by;
    }

    private static long dueTerm(StepCase step) {
        return step == StepCase.CLAIM || step == StepCase.OFFER ? T + 1 : T;
    }

    private static HandoffRecord record(Pair p, long term) {
        HandoffState judged = new Unowned(term);
        return switch (p.step()) {
            case CLAIM -> HandoffRecords.claim(W, term, p.by());
            case OFFER -> HandoffRecords.offer(W, term, p.by(), p.by().equals(C) ? A : C, D, "m2");
            case TAKE -> HandoffRecords.take(W, judged, p.by());
            case ABORT -> HandoffRecords.abort(W, judged, p.by(), "why");
            case RUNNING -> HandoffRecords.running(W, judged, p.by());
            case RETURN -> HandoffRecords.returned(W, judged, p.by(), "why");
            case FENCED -> HandoffRecords.fenced(W, judged, p.by(), "off", "operator");
            case ENDED -> HandoffRecords.ended(W, judged, p.by(), "why");
            case STEP_NOT_SET ->
                HandoffRecord.newBuilder().setWorkload(W.value()).setTerm(term).build();
        };
    }
}
