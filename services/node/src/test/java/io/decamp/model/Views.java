package io.decamp.model;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.model.World.Node;
import io.decamp.restorer.engine.handoff.CopyMark;
import io.decamp.restorer.engine.handoff.DestinationRule;
import io.decamp.restorer.engine.handoff.DestinationStep;
import io.decamp.restorer.engine.handoff.DestinationView;
import io.decamp.restorer.engine.handoff.Released;
import io.decamp.snapshotter.engine.handoff.OfferMark;
import io.decamp.snapshotter.engine.handoff.SourceRule;
import io.decamp.snapshotter.engine.handoff.SourceStep;
import io.decamp.snapshotter.engine.handoff.SourceView;
import io.decamp.snapshotter.engine.handoff.SourceView.Presence;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Shows a node of a {@link World} to the real rules, and remembers what they answered. */
final class Views {
    static final WorkloadId WORKLOAD = new WorkloadId("runc:model");
    static final List<NodeId> NAMES = List.of(new NodeId("alpha"), new NodeId("beta"));

    private static final Hold[] HOLDS = {
        Hold.NONE, Hold.PARTIAL, Hold.HELD, Hold.RELEASED, Hold.RELEASING, Hold.RELEASING
    };
    private static final Presence[] PRESENCES = {Presence.ABSENT, Presence.RUNNING, Presence.FROZEN};
    private static final Presence[] COPIES_SEEN = {
        Presence.ABSENT, Presence.FROZEN, Presence.FROZEN, Presence.RUNNING, Presence.FROZEN, Presence.RUNNING
    };

    private final ModelRegister register;
    private final boolean blind;
    private final boolean forgetful;
    private final Map<Long, SourceStep> sourceSteps = new HashMap<>();
    private final Map<Long, DestinationStep> copySteps = new HashMap<>();

    Views(ModelRegister register, Mutation mutation) {
        blind = mutation == Mutation.PREPARE_BESIDE_AN_ORIGINAL;
        forgetful = mutation == Mutation.BEGUN_RELEASE_IS_OVER;
        this.register = register;
    }

    static Digest digest(int number) {
        byte[] bytes = new byte[32];
        bytes[31] = (byte) number;
        return new Digest(bytes);
    }

    static int number(Digest digest) {
        return digest.bytes()[31];
    }

    HandoffState read(World w, int position) {
        return register.state(w.log[position]);
    }

    /** @param late the limit for TAKE has passed */
    SourceStep source(World w, int i, boolean late) {
        Node n = w.nodes[i];
        int state = w.log[n.position];
        long key = pack(state, i, flag(late), n.sourceCaughtUp, n.markTerm, n.markDigest, n.task, n.copy);
        return sourceSteps.computeIfAbsent(key, k -> SourceRule.decide(register.state(state), sourceView(n, i, late)));
    }

    private static SourceView sourceView(Node n, int i, boolean late) {
        Optional<OfferMark> mark = n.markTerm == 0
                ? Optional.empty()
                : Optional.of(new OfferMark(
                        n.markTerm, NAMES.get(1 - i), digest(n.markDigest), "m" + n.markDigest, 0));
        // a copy that is here is as much the workload as an original is, for who only looks
        Presence seen = n.task != 0 ? PRESENCES[n.task] : COPIES_SEEN[n.copy];
        return new SourceView(
                WORKLOAD, NAMES.get(i), n.sourceCaughtUp == 1, mark, n.task == World.FROZEN, seen, late);
    }

    /** @param late the offer that was announced does not come */
    DestinationStep copy(World w, int i, boolean late) {
        Node n = w.nodes[i];
        int state = w.log[n.position];
        int wanted = wanted(register.state(state), n, i);
        boolean replicaThere = n.copy == 0 && wanted != 0 && n.replica == wanted;
        boolean originalHere = n.copy == 0 && n.task == World.FROZEN && !blind;
        int failures = wanted == n.failedDigest ? n.failures : 0;
        long key = pack(
                state,
                i,
                flag(late),
                n.copyCaughtUp,
                n.copy,
                n.preparedTerm,
                n.preparedDigest,
                n.releasedTerm,
                n.releasedDigest,
                n.readyTerm,
                n.readyDigest,
                flag(replicaThere),
                flag(originalHere),
                failures);
        return copySteps.computeIfAbsent(
                key,
                k -> DestinationRule.decide(
                        register.state(state), copyView(n, i, replicaThere, originalHere, failures, late)));
    }

    private DestinationView copyView(
            Node n, int i, boolean replicaThere, boolean originalHere, int failures, boolean late) {
        return new DestinationView(
                WORKLOAD,
                NAMES.get(i),
                n.copyCaughtUp == 1,
                forgetful && n.copyLetGo() ? Hold.RELEASED : HOLDS[n.copy],
                mark(n.preparedTerm, n.preparedDigest),
                n.releasedTerm == 0
                        ? Optional.empty()
                        : Optional.of(new Released(n.releasedTerm, digest(n.releasedDigest), "boot")),
                mark(n.readyTerm, n.readyDigest),
                replicaThere,
                originalHere,
                failures,
                late);
    }

    private static int wanted(HandoffState state, Node n, int i) {
        return switch (state) {
            case HandoffState.Offered s -> s.to().equals(NAMES.get(i)) ? number(s.digest()) : 0;
            case HandoffState.Taken s -> s.to().equals(NAMES.get(i)) ? number(s.digest()) : 0;
            case HandoffState.Owned s -> n.readyDigest;
            case HandoffState.Unowned s -> n.readyDigest;
        };
    }

    /** A state's number and up to 14 numbers below 16. */
    private static long pack(int state, int... small) {
        long key = state;
        for (int s : small) {
            key = key << 4 | s;
        }
        return key;
    }

    private static int flag(boolean b) {
        return b ? 1 : 0;
    }

    private static Optional<CopyMark> mark(int term, int digest) {
        return term == 0 ? Optional.empty() : Optional.of(new CopyMark(term, digest(digest)));
    }
}
