package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.snapshotter.engine.Handover.Outcome;
import io.decamp.snapshotter.engine.handoff.SourceStep.Append;
import io.decamp.snapshotter.engine.handoff.SourceStep.AskOperator;
import io.decamp.snapshotter.engine.handoff.SourceStep.CatchUp;
import io.decamp.snapshotter.engine.handoff.SourceStep.ClearMark;
import io.decamp.snapshotter.engine.handoff.SourceStep.Done;
import io.decamp.snapshotter.engine.handoff.SourceStep.Kill;
import io.decamp.snapshotter.engine.handoff.SourceStep.Thaw;
import io.decamp.snapshotter.engine.handoff.SourceStep.Wait;
import io.decamp.snapshotter.engine.handoff.SourceView.Presence;

/**
 * Decides what the source of a hand-off does, from what it has read and what it sees on its own node. Pure: the actor
 * obeys it, and the model check explores it.
 *
 * <p>After an OFFER it thaws only on {@code Owned(me)} of the offer's term or later. An older {@code Owned(me)} says
 * nothing, since the OFFER may still be on its way: it is sent again, or outrun by a CLAIM of the same term.
 */
public final class SourceRule {
    private SourceRule() {}

    public static SourceStep decide(HandoffState state, SourceView v) {
        if (v.mark().isEmpty() && v.held()) {
            return new Thaw("it was never offered");
        }
        if (!v.caughtUp()) {
            return new CatchUp("the service has just started");
        }
        return switch (state) {
            case Unowned s -> unowned(s, v);
            case Owned s -> s.node().equals(v.me()) ? mine(s, v) : lost(s.term(), s.node() + " owns it", v);
            case Offered s -> s.from().equals(v.me()) ? offered(s, v) : lost(s.term(), s.from() + " offers it", v);
            case Taken s -> s.from().equals(v.me()) ? taken(s, v) : lost(s.term(), s.to() + " took it", v);
        };
    }

    private static SourceStep unowned(Unowned s, SourceView v) {
        if (v.before(s.term())) {
            return new Append(HandoffRecords.claim(v.workload(), s, v.me()), "nobody owns it; outruns the offer");
        }
        boolean fenced = s.fenced().filter(v.me()::equals).isPresent();
        if (v.mark().isPresent() || fenced) {
            return gone(fenced ? "this node was fenced" : "it ended elsewhere", fenced, v);
        }
        return new Done(Outcome.KEPT, "nobody owns it");
    }

    private static SourceStep mine(Owned s, SourceView v) {
        if (v.before(s.term())) {
            OfferMark m = v.mark().orElseThrow();
            return v.giveUp() || v.absent()
                    ? new Append(HandoffRecords.claim(v.workload(), m.term(), v.me()), "outruns the offer")
                    : new Append(
                            HandoffRecords.offer(
                                    v.workload(), m.term(), v.me(), m.to(), m.digest(), m.migration()),
                            "offers it to " + m.to());
        }
        if (v.held()) {
            return new Thaw("it stays here");
        }
        return v.mark().isPresent()
                ? new ClearMark("it runs here")
                : new Done(Outcome.KEPT, "it runs here");
    }

    private static SourceStep offered(Offered s, SourceView v) {
        if (v.before(s.term())) {
            return new Wait("the register to reach term " + v.mark().orElseThrow().term());
        }
        if (v.absent()) {
            return new Append(selfFenced(s, v), "nothing is left of it here, so that " + s.to() + " alone decides");
        }
        if (v.giveUp() || v.mark().isEmpty()) {
            return new Append(
                    HandoffRecords.abort(v.workload(), s, v.me(), s.to() + " did not take it in time"),
                    s.to() + " did not take it in time");
        }
        return new Wait(s.to() + " to take it");
    }

    private static SourceStep taken(Taken s, SourceView v) {
        if (v.before(s.term())) {
            return new Wait("the register to reach term " + v.mark().orElseThrow().term());
        }
        if (s.fromFenced()) {
            return gone("this node was fenced", true, v);
        }
        if (v.absent()) {
            return new Append(selfFenced(s, v), "nothing is left of it here, so that it can't come back");
        }
        if (v.mark().isEmpty() && v.presence() == Presence.RUNNING) {
            return new AskOperator(s.to() + " took it and yet it runs here: end it here, or fence " + s.to());
        }
        return new Wait(s.to() + " to run it or give it back");
    }

    /** The register is past what this node could still hold. */
    private static SourceStep lost(long term, String why, SourceView v) {
        if (v.before(term)) {
            return new Wait("the register to reach term " + v.mark().orElseThrow().term());
        }
        // without a mark, what has this name here (a held copy, a namesake) is not the source's to end
        return v.mark().isPresent() ? gone(why, false, v) : new Done(Outcome.COMMITTED, why);
    }

    /**
     * What is held is the original. What is not may be a copy that came back to this node, which has a right of its own
     * unless the node is fenced.
     */
    private static SourceStep gone(String why, boolean fenced, SourceView v) {
        if (v.held() || (fenced && !v.absent())) {
            return new Kill(why);
        }
        return v.mark().isPresent() ? new ClearMark(why) : new Done(Outcome.COMMITTED, why);
    }

    private static HandoffRecord selfFenced(HandoffState s, SourceView v) {
        return HandoffRecords.fenced(
                v.workload(), s, v.me(), "no process of it is left on this node", v.me().value());
    }
}
