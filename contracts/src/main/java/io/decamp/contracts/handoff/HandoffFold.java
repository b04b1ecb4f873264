package io.decamp.contracts.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.Offer;
import java.util.Optional;

/**
 * The one meaning of topic {@code handoff}: folds a workload's records, in partition order, into who owns it. Pure;
 * every node computes the same.
 *
 * <pre>
 * {@link Unowned}  --CLAIM(n)--> {@link Owned}(n)
 * {@link Owned}    --CLAIM by its node--> Owned, next term (voids what its node may still have on the way)
 *          --OFFER by its node--> {@link Offered}      --ENDED by its node--> Unowned
 *          --FENCED(its node)--> Unowned(fenced)
 * {@link Offered}  --TAKE by to--> {@link Taken}       --ABORT by from or to--> Owned(from)
 *          --FENCED(to)--> Owned(from)         --FENCED(from)--> Taken(from fenced)
 * {@link Taken}    --RUNNING by to--> Owned(to)
 *          --RETURN by to, unless from is fenced--> Owned(from)       --ENDED by to, if from is fenced--> Unowned
 *          --FENCED(to)--> Owned(from), or Unowned when from is fenced       --FENCED(from)--> Taken(from fenced)
 * </pre>
 *
 * <p><b>Terms.</b> CLAIM and OFFER open a term: theirs must be the state's plus one. All others judge a term: theirs
 * must be the state's. A FENCED that takes a right away raises the term by itself, so that late records of the fenced
 * node are void. It does not raise it when only {@code from} of a hand-off is fenced: nothing that {@code from} can
 * still say counts any more, and what {@code to} has on the way must go on counting. Hence within one term at most one
 * node ever gets the right to run the workload, and one record opens it.
 *
 * <p><b>FENCED(from) while offered.</b> The frozen original is destroyed; only the copy at {@code to} can be left, and
 * the source offers only what {@code to} has acknowledged as sealed. So it counts as the TAKE, and {@code to} alone
 * decides.
 * A RETURN is void from then on: there is nothing to return to, and one that was sent before the fencing must not take
 * the right from a copy that {@code to} has made since. When {@code to} has nothing either, it says ENDED.
 *
 * <p>FENCED must be true when it is appended: whoever publishes it keeps the node off until it was read back.
 */
public final class HandoffFold {
    /** Longest reason, assertion or migration id that is accepted; a register is no place for logs. */
    public static final int MAX_TEXT_CHARS = 4096;

    /** SHA-256. */
    private static final int DIGEST_BYTES = 32;

    /** What a record did: {@code state} is unchanged and {@code voidBecause} present, or the record counted. */
    public record Outcome(HandoffState state, Optional<String> voidBecause) {
        public boolean counted() {
            return voidBecause.isEmpty();
        }
    }

    private HandoffFold() {}

    public static HandoffState apply(HandoffState state, HandoffRecord record) {
        return judge(state, record).state();
    }

    /** Like {@link #apply}, and says why a record is void. Never throws, whatever the record. */
    public static Outcome judge(HandoffState state, HandoffRecord record) {
        Optional<String> malformed = malformed(record);
        if (malformed.isPresent()) {
            return new Outcome(state, malformed);
        }
        long due = opensTerm(record) ? state.term() + 1 : state.term();
        if (record.getTerm() != due) {
            return ineffective(state, record, "its term is " + record.getTerm() + ", due is " + due);
        }
        HandoffState after =
                switch (state) {
                    case Unowned unowned -> fromUnowned(unowned, record);
                    case Owned owned -> fromOwned(owned, record);
                    case Offered offered -> fromOffered(offered, record);
                    case Taken taken -> fromTaken(taken, record);
                };
        return after.equals(state)
                ? ineffective(state, record, "it does not fit")
                : new Outcome(after, Optional.empty());
    }

    private static boolean opensTerm(HandoffRecord record) {
        return switch (record.getStepCase()) {
            case CLAIM, OFFER -> true;
            case TAKE, ABORT, RUNNING, RETURN, FENCED, ENDED, STEP_NOT_SET -> false;
        };
    }

    private static HandoffState fromUnowned(Unowned s, HandoffRecord r) {
        return switch (r.getStepCase()) {
            case CLAIM -> new Owned(new NodeId(r.getClaim().getNode()), r.getTerm());
            case OFFER, TAKE, ABORT, RUNNING, RETURN, FENCED, ENDED, STEP_NOT_SET -> s;
        };
    }

    private static HandoffState fromOwned(Owned s, HandoffRecord r) {
        return switch (r.getStepCase()) {
            case CLAIM -> is(s.node(), r.getClaim().getNode()) ? new Owned(s.node(), r.getTerm()) : s;
            case OFFER -> is(s.node(), r.getOffer().getFrom()) ? offered(r) : s;
            case FENCED ->
                is(s.node(), r.getFenced().getNode()) ? new Unowned(s.term() + 1, Optional.of(s.node())) : s;
            case ENDED -> is(s.node(), r.getEnded().getNode()) ? new Unowned(s.term()) : s;
            case TAKE, ABORT, RUNNING, RETURN, STEP_NOT_SET -> s;
        };
    }

    private static HandoffState fromOffered(Offered s, HandoffRecord r) {
        return switch (r.getStepCase()) {
            case TAKE -> is(s.to(), r.getTake().getNode()) ? taken(s, false) : s;
            case ABORT -> {
                String node = r.getAbort().getNode();
                yield is(s.from(), node) || is(s.to(), node) ? new Owned(s.from(), s.term()) : s;
            }
            case FENCED -> {
                String node = r.getFenced().getNode();
                if (is(s.to(), node)) {
                    yield new Owned(s.from(), s.term() + 1);
                }
                yield is(s.from(), node) ? taken(s, true) : s;
            }
            case CLAIM, OFFER, RUNNING, RETURN, ENDED, STEP_NOT_SET -> s;
        };
    }

    private static HandoffState fromTaken(Taken s, HandoffRecord r) {
        return switch (r.getStepCase()) {
            case RUNNING -> is(s.to(), r.getRunning().getNode()) ? new Owned(s.to(), s.term()) : s;
            case RETURN ->
                is(s.to(), r.getReturn().getNode()) && !s.fromFenced() ? new Owned(s.from(), s.term()) : s;
            case ENDED ->
                is(s.to(), r.getEnded().getNode()) && s.fromFenced()
                        ? new Unowned(s.term(), Optional.of(s.from()))
                        : s;
            case FENCED -> {
                String node = r.getFenced().getNode();
                if (is(s.to(), node)) {
                    yield s.fromFenced()
                            ? new Unowned(s.term() + 1, Optional.of(s.to()))
                            : new Owned(s.from(), s.term() + 1);
                }
                yield is(s.from(), node)
                        ? new Taken(s.from(), s.to(), s.term(), s.digest(), s.migration(), true)
                        : s;
            }
            case CLAIM, OFFER, TAKE, ABORT, STEP_NOT_SET -> s;
        };
    }

    private static Offered offered(HandoffRecord r) {
        Offer o = r.getOffer();
        return new Offered(
                new NodeId(o.getFrom()),
                new NodeId(o.getTo()),
                r.getTerm(),
                new Digest(o.getDigest().toByteArray()),
                o.getMigration());
    }

    private static Taken taken(Offered s, boolean fromFenced) {
        return new Taken(s.from(), s.to(), s.term(), s.digest(), s.migration(), fromFenced);
    }

    private static boolean is(NodeId node, String name) {
        return node.value().equals(name);
    }

    private static Outcome ineffective(HandoffState state, HandoffRecord record, String why) {
        return new Outcome(state, Optional.of(record.getStepCase() + " is void in " + state + ": " + why));
    }

    private static Optional<String> malformed(HandoffRecord r) {
        try {
            new WorkloadId(r.getWorkload());
            return switch (r.getStepCase()) {
                case CLAIM -> named(r.getClaim().getNode(), "");
                case OFFER -> malformedOffer(r.getOffer());
                case TAKE -> named(r.getTake().getNode(), "");
                case ABORT -> named(r.getAbort().getNode(), r.getAbort().getReason());
                case RUNNING -> named(r.getRunning().getNode(), "");
                case RETURN -> named(r.getReturn().getNode(), r.getReturn().getReason());
                case FENCED -> named(r.getFenced().getNode(), r.getFenced().getAssertion() + r.getFenced().getBy());
                case ENDED -> named(r.getEnded().getNode(), r.getEnded().getReason());
                case STEP_NOT_SET -> Optional.of("The record has no step that this version knows");
            };
        } catch (DecampException e) {
            return Optional.of(e.getMessage());
        }
    }

    private static Optional<String> named(String node, String text) {
        new NodeId(node);
        return text.length() <= MAX_TEXT_CHARS
                ? Optional.empty()
                : Optional.of("A text of " + text.length() + " characters is longer than " + MAX_TEXT_CHARS);
    }

    private static Optional<String> malformedOffer(Offer o) {
        new NodeId(o.getTo());
        if (o.getFrom().equals(o.getTo())) {
            return Optional.of("OFFER names '" + o.getFrom() + "' as both ends");
        }
        if (o.getDigest().size() != DIGEST_BYTES) {
            return Optional.of("OFFER has a digest of " + o.getDigest().size() + " bytes instead of " + DIGEST_BYTES);
        }
        if (o.getMigration().isEmpty()) {
            return Optional.of("OFFER names no migration");
        }
        return named(o.getFrom(), o.getMigration());
    }
}
