package io.decamp.model;

import static io.decamp.model.Views.NAMES;

import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.model.World.Node;
import io.decamp.restorer.engine.handoff.CopyMark;
import io.decamp.restorer.engine.handoff.DestinationStep;
import java.util.function.Consumer;

/** What a node does as the destination: what the real rule says. */
final class CopyMoves {
    private static final Consumer<World> NOTHING = w -> {};

    private final Moves moves;
    private final Views views;
    private final Mutation mutation;

    CopyMoves(Moves moves, Views views, Mutation mutation) {
        this.moves = moves;
        this.views = views;
        this.mutation = mutation;
    }

    void of(World w, int i) {
        HandoffState read = views.read(w, w.nodes[i].position);
        DestinationStep early = views.copy(w, i, false);
        DestinationStep late = views.copy(w, i, true);
        step(w, i, read, early);
        if (!late.equals(early)) {
            step(w, i, read, late);
        }
    }

    private void step(World w, int i, HandoffState read, DestinationStep step) {
        String who = NAMES.get(i) + "'s destination: ";
        if (mutated(w, i, read, step)) {
            return;
        }
        switch (step) {
            case DestinationStep.CatchUp s ->
                moves.emit(who + "catches up", true, v -> {
                    v.nodes[i].position = v.log.length - 1;
                    v.nodes[i].copyCaughtUp = 1;
                });
            case DestinationStep.Prepare s -> prepare(w, i, s.mark(), who);
            case DestinationStep.Append s -> append(w, i, read, s);
            case DestinationStep.WriteReleased s ->
                moves.emit(who + "writes RELEASED", true, v -> writeReleased(v, i, s.mark()));
            case DestinationStep.Release s -> letRun(w, i, who);
            case DestinationStep.Destroy s ->
                moves.emit(who + "destroys the copy", true, v -> {
                    v.nodes[i].copy = 0;
                    v.nodes[i].preparedTerm = v.nodes[i].preparedDigest = 0;
                });
            case DestinationStep.KillReleased s ->
                moves.emit(who + "kills what runs", true, v -> {
                    v.nodes[i].copy = 0;
                    v.nodes[i].releasedTerm = v.nodes[i].releasedDigest = 0;
                });
            case DestinationStep.ClearReleased s ->
                moves.emit(who + "forgets the release", true, v ->
                        v.nodes[i].releasedTerm = v.nodes[i].releasedDigest = 0);
            case DestinationStep.Done s -> finish(w, i, read, who);
            case DestinationStep.AskOperator s -> moves.operatorFences(w, i);
            case DestinationStep.Wait s -> {}
            case DestinationStep.Unreachable s -> {}
        }
    }

    private void prepare(World w, int i, CopyMark mark, String who) {
        Consumer<World> marked = v -> {
            v.nodes[i].preparedTerm = (int) mark.term();
            v.nodes[i].preparedDigest = Views.number(mark.digest());
        };
        moves.emit(who + "restores and holds", true, v -> {
            marked.accept(v);
            v.nodes[i].copy = World.HELD;
        });
        if (w.mishapsLeft > 0) {
            moves.emit(who + "can't restore", false, v -> {
                marked.accept(v);
                v.mishapsLeft--;
                v.lostCopy = 1;
                Node f = v.nodes[i];
                f.failures = f.failedDigest == f.preparedDigest ? f.failures + 1 : 1;
                f.failedDigest = f.preparedDigest;
            });
        }
        if (w.serviceCrashesLeft > 0) {
            moves.emit(who + "dies while it restores", false, v -> {
                marked.accept(v);
                v.lostCopy = 1;
                v.nodes[i].copy = World.PARTIAL;
                die(v, i);
            });
        }
    }

    private void letRun(World w, int i, String who) {
        boolean runs = w.nodes[i].copyRuns();
        moves.emit(who + "lets the copy run", true, v -> release(v, i, World.RELEASED));
        if (w.serviceCrashesLeft > 0) {
            if (!runs) {
                moves.emit(who + "dies before the copy runs", false, v -> {
                    v.nodes[i].copy = World.CUT_FROZEN;
                    die(v, i);
                });
            }
            moves.emit(who + "dies when the copy has begun to run", false, v -> {
                release(v, i, World.CUT_RUNNING);
                die(v, i);
            });
        }
    }

    private static void die(World w, int i) {
        w.serviceCrashesLeft--;
        w.nodes[i].loseSourceProcess();
        w.nodes[i].loseCopyProcess();
    }

    private void append(World w, int i, HandoffState read, DestinationStep.Append s) {
        if (mutation == Mutation.TAKE_WITHOUT_READ_BACK && s.record().hasTake()) {
            Offered o = (Offered) read;
            moves.send(w, i, s.record(), v -> {
                writeReleased(v, i, new CopyMark(o.term(), o.digest()));
                release(v, i, World.RELEASED);
            }, NOTHING);
        } else {
            moves.send(w, i, s.record(), NOTHING, NOTHING);
        }
    }

    private static void writeReleased(World w, int i, CopyMark mark) {
        w.nodes[i].releasedTerm = (int) mark.term();
        w.nodes[i].releasedDigest = Views.number(mark.digest());
    }

    private void release(World w, int i, int copy) {
        Node n = w.nodes[i];
        n.copy = copy;
        if (n.preparedDigest != moves.lastFreeze(w)) {
            throw new Violation("a copy of an older freeze runs");
        }
        w.copyRan = 1;
    }

    private void finish(World w, int i, HandoffState read, String who) {
        Node n = w.nodes[i];
        boolean mine = read instanceof Owned o && o.node().equals(NAMES.get(i));
        boolean readyIsOver = n.readyTerm != 0 && n.readyTerm <= read.term();
        if (n.preparedTerm != 0 || readyIsOver) {
            moves.emit(who + "done", true, v -> {
                v.nodes[i].preparedTerm = v.nodes[i].preparedDigest = 0;
                if (readyIsOver) {
                    if (v.topicTo == i + 1 && v.topicDigest == v.nodes[i].readyDigest) {
                        v.topicTo = v.topicTerm = v.topicDigest = 0;
                    }
                    v.nodes[i].readyTerm = v.nodes[i].readyDigest = 0;
                    v.nodes[i].replica = mine ? 0 : v.nodes[i].replica;
                }
            });
        }
    }

    private boolean mutated(World w, int i, HandoffState read, DestinationStep step) {
        Node n = w.nodes[i];
        if (mutation == Mutation.RELEASE_BEFORE_DURABLE) {
            if (step instanceof DestinationStep.WriteReleased) {
                moves.emit(NAMES.get(i) + "'s destination: lets the copy run first", true, v ->
                        release(v, i, World.RELEASED));
                return true;
            }
            if (step instanceof DestinationStep.KillReleased && read instanceof Taken t) {
                moves.emit(NAMES.get(i) + "'s destination: writes RELEASED late", true, v ->
                        writeReleased(v, i, new CopyMark(t.term(), t.digest())));
                return true;
            }
        }
        if (mutation == Mutation.RETURN_AFTER_RELEASE && step instanceof DestinationStep.AskOperator
                && n.releasedTerm != 0) {
            moves.send(
                    w, i, HandoffRecords.returned(Views.WORKLOAD, read, NAMES.get(i), "lost"), NOTHING, NOTHING);
            return true;
        }
        return false;
    }
}
