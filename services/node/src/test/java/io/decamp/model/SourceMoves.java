package io.decamp.model;

import static io.decamp.model.Views.NAMES;
import static io.decamp.model.Views.WORKLOAD;

import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.model.World.Node;
import io.decamp.snapshotter.engine.handoff.SourceStep;
import java.util.function.Consumer;

/** What a node does as the source: freeze, final delta, and then what the real rule says. */
final class SourceMoves {
    private static final Consumer<World> NOTHING = w -> {};

    private final Moves moves;
    private final Views views;
    private final Mutation mutation;

    SourceMoves(Moves moves, Views views, Mutation mutation) {
        this.moves = moves;
        this.views = views;
        this.mutation = mutation;
    }

    void of(World w, int i) {
        Node n = w.nodes[i];
        HandoffState read = views.read(w, n.position);
        boolean owner = read instanceof Owned o && o.node().equals(NAMES.get(i));
        if (n.sourceActive == 1) {
            SourceStep early = views.source(w, i, false);
            SourceStep late = views.source(w, i, true);
            step(w, i, read, early, false);
            if (!late.equals(early) || mutation != Mutation.NONE) {
                step(w, i, read, late, true);
            }
        } else if (n.freezing == 0 && mustAnswer(read, i)) {
            moves.emit(NAMES.get(i) + "'s source resumes", true, v -> {
                v.nodes[i].sourceActive = 1;
                v.nodes[i].sourceCaughtUp = 0;
            });
        } else if (n.freezing == 0 && owner && w.freezesLeft > 0
                && (n.task == World.RUNNING || n.copy == World.RELEASED)) {
            moves.emit(NAMES.get(i) + " freezes", false, v -> freeze(v, i));
        } else if (n.freezing > 0) {
            freezing(w, i, read, owner);
        }
    }

    private void freeze(World w, int i) {
        Node n = w.nodes[i];
        w.freezesLeft--;
        n.copy = n.copy == World.RELEASED ? 0 : n.copy;
        n.task = World.FROZEN;
        n.taskDigest = moves.lastFreeze(w);
        n.freezing = 1;
        w.lostOwner = w.lostOriginal = w.lostCopy = w.copyRan = 0;
    }

    private void freezing(World w, int i, HandoffState read, boolean owner) {
        Node n = w.nodes[i];
        moves.emit(NAMES.get(i) + " thaws before the offer", true, v -> {
            v.nodes[i].freezing = 0;
            thaw(v, i);
        });
        if (n.freezing == 1 && w.nodes[1 - i].up == 1) {
            moves.emit(NAMES.get(1 - i) + " seals the final epoch", true, v -> {
                v.nodes[1 - i].replica = v.nodes[i].taskDigest;
                v.topicTo = 2 - i;
                v.topicTerm = (int) read.term() + 1;
                v.topicDigest = v.nodes[i].taskDigest;
                v.nodes[i].freezing = 2;
            });
        }
        if (n.freezing == 2 && owner) {
            offer(w, i, (int) read.term() + 1);
        }
    }

    private void offer(World w, int i, int term) {
        Consumer<World> mark = v -> {
            Node n = v.nodes[i];
            n.markTerm = term;
            n.markDigest = n.taskDigest;
            n.sourceActive = 1;
            n.sourceCaughtUp = 1;
            n.freezing = 0;
        };
        if (mutation == Mutation.UNACKNOWLEDGED_OFFER_IS_NOT_SENT) {
            int digest = w.nodes[i].taskDigest;
            HandoffRecord offer = HandoffRecords.offer(
                    WORKLOAD, term, NAMES.get(i), NAMES.get(1 - i), Views.digest(digest), "m" + digest);
            moves.send(w, i, offer, NOTHING, mark);
        } else {
            moves.emit(NAMES.get(i) + " notes that it offers", true, mark);
        }
    }

    /** @param late the limit for TAKE has passed */
    private void step(World w, int i, HandoffState read, SourceStep step, boolean late) {
        Node n = w.nodes[i];
        String who = NAMES.get(i) + "'s source: ";
        if (mutated(w, i, read, step, late)) {
            return;
        }
        switch (step) {
            case SourceStep.CatchUp s ->
                moves.emit(who + "catches up", true, v -> {
                    v.nodes[i].position = v.log.length - 1;
                    v.nodes[i].sourceCaughtUp = 1;
                });
            case SourceStep.Append s -> moves.send(w, i, s.record(), NOTHING, NOTHING);
            case SourceStep.Thaw s -> moves.emit(who + "thaws", true, v -> thaw(v, i));
            case SourceStep.Kill s ->
                moves.emit(who + "kills", true, v -> {
                    v.nodes[i].task = 0;
                    v.nodes[i].taskDigest = 0;
                    v.nodes[i].copy = v.nodes[i].copyLetGo() ? 0 : v.nodes[i].copy;
                });
            case SourceStep.ClearMark s ->
                moves.emit(who + "forgets the offer", true, v -> {
                    v.nodes[i].markTerm = 0;
                    v.nodes[i].markDigest = 0;
                });
            case SourceStep.Done s ->
                moves.emit(who + "done", true, v -> {
                    v.nodes[i].sourceActive = 0;
                    });
            case SourceStep.AskOperator s -> moves.operatorFences(w, 1 - i);
            case SourceStep.Wait s -> {}
            case SourceStep.Unreachable s -> throw new AssertionError(s);
        }
        if (mutation == Mutation.THAW_ON_TIMEOUT && late && n.task == World.FROZEN) {
            moves.emit(who + "thaws at its limit", true, v -> thaw(v, i));
        }
    }

    private boolean mutated(World w, int i, HandoffState read, SourceStep step, boolean late) {
        Node n = w.nodes[i];
        boolean owned = read instanceof Owned o && o.node().equals(NAMES.get(i));
        if (mutation == Mutation.KILL_ON_TAKE && step instanceof SourceStep.Wait && n.task == World.FROZEN
                && read instanceof HandoffState.Taken) {
            moves.emit(NAMES.get(i) + "'s source kills on TAKE", true, v -> v.nodes[i].task = 0);
            return true;
        }
        if (mutation == Mutation.THAW_ON_OLD_OWNED && step instanceof SourceStep.Append && owned && late) {
            moves.emit(NAMES.get(i) + "'s source thaws on an old Owned", true, v -> {
                thaw(v, i);
                v.nodes[i].markTerm = 0;
                v.nodes[i].markDigest = 0;
            });
            return true;
        }
        return false;
    }

    /** An original that thaws after its copy ran, or after a later freeze, takes back what the world has seen. */
    private void thaw(World w, int i) {
        Node n = w.nodes[i];
        if (n.task == World.FROZEN) {
            if (w.copyRan == 1 || n.taskDigest != moves.lastFreeze(w)) {
                throw new Violation("the original runs on after its copy ran");
            }
            n.task = World.RUNNING;
            n.taskDigest = 0;
        }
    }

    private boolean mustAnswer(HandoffState read, int i) {
        return read instanceof Unowned u && u.fenced().filter(NAMES.get(i)::equals).isPresent()
                || Moves.isFrom(read, NAMES.get(i).value());
    }
}
