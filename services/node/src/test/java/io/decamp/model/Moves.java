package io.decamp.model;

import static io.decamp.model.Views.NAMES;
import static io.decamp.model.Views.WORKLOAD;

import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.model.World.Node;
import java.util.Arrays;
import java.util.function.Consumer;

/** Everything that can happen next in a {@link World}: the actors' steps and the environment's. */
final class Moves {
    /** Records sent and not acknowledged at a time. */
    private static final int MAX_FLYING = 1;

    /** @param helpful happens without bad luck: what liveness may count on */
    interface Sink {
        void move(World after, String what, boolean helpful);
    }

    private final ModelRegister register;
    private final SourceMoves sources;
    private final CopyMoves copies;
    private final Mutation mutation;
    private final int freezes;

    private byte[] here;
    private Sink sink;

    Moves(ModelRegister register, Mutation mutation, int freezes) {
        this.register = register;
        this.mutation = mutation;
        this.freezes = freezes;
        Views views = new Views(register, mutation);
        sources = new SourceMoves(this, views, mutation);
        copies = new CopyMoves(this, views, mutation);
    }

    void from(byte[] key, Sink to) {
        here = key;
        sink = to;
        World w = World.decode(key);
        for (int i = 0; i < 2; i++) {
            if (w.nodes[i].up == 1) {
                readers(w, i);
                sources.of(w, i);
                copies.of(w, i);
                mishaps(w, i);
            } else {
                down(w, i);
            }
        }
        for (int record : w.flying) {
            emit("lands: " + text(record), true, v -> {
                land(v, record);
                v.landed(record);
            });
        }
    }

    void emit(String what, boolean helpful, Consumer<World> change) {
        World after = World.decode(here);
        change.accept(after);
        sink.move(after, what, helpful);
    }

    /** A record is sent: it lands and is read back, or nobody knows. {@code acknowledged} runs in the first case. */
    void send(World w, int i, HandoffRecord record, Consumer<World> sent, Consumer<World> acknowledged) {
        int id = register.id(record);
        String who = NAMES.get(i) + " sends " + text(id);
        emit(who, true, v -> {
            sent.accept(v);
            land(v, id);
            v.nodes[i].position = v.log.length - 1;
            acknowledged.accept(v);
        });
        boolean flies = false;
        for (int r : w.flying) {
            flies |= r == id;
        }
        if (flies || w.flying.length < MAX_FLYING) {
            emit(who + ", no answer", false, v -> {
                sent.accept(v);
                v.fly(id);
            });
        }
    }

    private void land(World w, int record) {
        HandoffState before = register.state(w.head());
        w.push(register.fold(w.head(), record));
        HandoffState after = register.state(w.head());
        if (before == after) {
            return;
        }
        if (mutation != Mutation.IGNORE_TERMS) {
            w.flying = Arrays.stream(w.flying).filter(f -> mayCount(f, after)).toArray();
        }
        HandoffRecord r = register.record(record);
        boolean backByItsOwnWord = after instanceof Owned o
                && (r.hasAbort() && r.getAbort().getNode().equals(o.node().value()) || r.hasClaim());
        if (backByItsOwnWord && w.lostOriginal == 1) {
            w.lostOwner = 1;
        }
        if (r.hasFenced() && !isFrom(before, r.getFenced().getNode())) {
            w.copyRan = 0;
        }
    }

    /** Terms never shrink, so that a record that is too old now is so for ever and need not be remembered. */
    private boolean mayCount(int record, HandoffState state) {
        HandoffRecord r = register.record(record);
        return r.getTerm() >= state.term() + (r.hasClaim() || r.hasOffer() ? 1 : 0);
    }

    private void readers(World w, int i) {
        Node n = w.nodes[i];
        if (n.position < w.log.length - 1) {
            emit(NAMES.get(i) + " reads on", true, v -> v.nodes[i].position++);
        }
        boolean news = w.topicTo == i + 1 && (n.readyTerm != w.topicTerm || n.readyDigest != w.topicDigest);
        if (news) {
            emit(NAMES.get(i) + " reads snapshot-ready", true, v -> {
                v.nodes[i].readyTerm = v.topicTerm;
                v.nodes[i].readyDigest = v.topicDigest;
            });
        }
    }

    private void mishaps(World w, int i) {
        Node n = w.nodes[i];
        if (w.serviceCrashesLeft > 0) {
            emit(NAMES.get(i) + "'s services restart", false, v -> {
                v.serviceCrashesLeft--;
                v.nodes[i].loseSourceProcess();
                v.nodes[i].loseCopyProcess();
            });
        }
        if (w.nodeCrashesLeft > 0) {
            emit(NAMES.get(i) + " loses power", false, v -> {
                v.nodeCrashesLeft--;
                destroyed(v, i);
                v.nodes[i].loseNode();
            });
        }
        if (w.mishapsLeft > 0) {
            if (n.copyWaits() || n.copyRuns()) {
                emit(NAMES.get(i) + "'s copy dies", false, v -> {
                    v.mishapsLeft--;
                    v.lostOwner |= v.nodes[i].copyRuns() ? 1 : 0;
                    v.lostCopy = 1;
                    v.nodes[i].copy = 0;
                });
            }
            if (n.freezing == 0 && fences(w, i)) {
                emit(NAMES.get(i) + "'s copies are destroyed, fenced", false, v -> {
                    v.mishapsLeft--;
                    destroyed(v, i);
                    v.nodes[i].task = 0;
                    v.nodes[i].taskDigest = 0;
                    v.nodes[i].copy = 0;
                    v.nodes[i].replica = 0;
                    land(v, fence(v, i));
                });
            }
        }
        if (mutation == Mutation.END_OF_FILE_IS_A_VERDICT && n.task == World.FROZEN) {
            emit(NAMES.get(i) + "'s criu dies", false, v -> v.nodes[i].task = World.RUNNING);
        }
    }

    private void down(World w, int i) {
        emit(NAMES.get(i) + " boots", false, v -> {
            v.nodes[i].up = 1;
            v.nodes[i].loseSourceProcess();
            v.nodes[i].loseCopyProcess();
        });
        if (fences(w, i)) {
            emit(NAMES.get(i) + " is off, fenced", true, v -> land(v, fence(v, i)));
        }
    }

    /** An operator who looked at both, the node and the register: nothing that may run is on the node. */
    void operatorFences(World w, int i) {
        Node n = w.nodes[i];
        boolean current = n.position == w.log.length - 1;
        if (current && n.task == 0 && !n.copyWaits() && !n.copyRuns() && fences(w, i)) {
            emit(NAMES.get(i) + "'s copy is lost, fenced by an operator", true, v -> {
                destroyed(v, i);
                v.nodes[i].copy = 0;
                v.nodes[i].replica = 0;
                land(v, fence(v, i));
            });
        }
    }

    private boolean fences(World w, int i) {
        return register.fold(w.head(), fence(w, i)) != w.head();
    }

    private int fence(World w, int i) {
        return register.id(
                HandoffRecords.fenced(WORKLOAD, register.state(w.head()), NAMES.get(i), "off", "operator"));
    }

    /** What the environment destroys on a node, for the judgement of what is lost. */
    private void destroyed(World w, int i) {
        Node n = w.nodes[i];
        HandoffState truth = register.state(w.head());
        if (n.task == World.RUNNING || n.copyRuns()) {
            w.lostOwner = 1;
        } else if (n.task == World.FROZEN) {
            if (isFrom(truth, NAMES.get(i).value())) {
                w.lostOriginal = 1;
            } else if (n.taskDigest == lastFreeze(w)) {
                w.lostOwner = 1;
            }
        }
        if (n.replica == lastFreeze(w) || n.copyWaits()) {
            w.lostCopy = 1;
        }
    }

    int lastFreeze(World w) {
        return freezes - w.freezesLeft;
    }

    static boolean isFrom(HandoffState state, String node) {
        return switch (state) {
            case Unowned s -> false;
            case Owned s -> false;
            case Offered s -> s.from().value().equals(node);
            case Taken s -> s.from().value().equals(node);
        };
    }

    private String text(int record) {
        HandoffRecord r = register.record(record);
        return r.getStepCase() + "(term " + r.getTerm() + ")";
    }
}
