package io.decamp.model;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Visits every state that the bounds allow, breadth first, so that the first violation found is a shortest one. Safety
 * is judged in each state; liveness afterwards, backwards from the states in which the hand-off is settled, over those
 * moves that need no bad luck.
 */
final class Explorer {
    /** How much may go wrong in one history. */
    record Bounds(int freezes, int serviceCrashes, int nodeCrashes, int mishaps) {}

    /** @param counterexample moves from the beginning to the violation, then what it is */
    record Result(int states, long moves, Optional<List<String>> counterexample) {}

    private final ModelRegister register;
    private final Moves moves;
    private final Bounds bounds;
    private final KeySet keys = new KeySet();
    private final IntList parents = new IntList();
    private final List<String> labels = new ArrayList<>();
    private final IntList helpfulFrom = new IntList();
    private final IntList helpfulTo = new IntList();
    private long moveCount;

    Explorer(Bounds bounds, Mutation mutation) {
        this.bounds = bounds;
        register = new ModelRegister(mutation);
        moves = new Moves(register, mutation, bounds.freezes());
    }

    Result explore() {
        add(-1, "the workload runs at alpha", beginning(), true);
        for (int at = 0; at < keys.size(); at++) {
            int here = at;
            try {
                moves.from(keys.get(at), (after, what, helpful) -> add(here, what, after, helpful));
            } catch (Violation e) {
                return violated(at, e.getMessage());
            }
            World w = World.decode(keys.get(at));
            if (w.running() > 1) {
                return violated(at, "two copies run");
            }
            if (hopeless(w) && !excused(w)) {
                return violated(at, "no copy is left, and nothing outside had destroyed them all");
            }
        }
        int stuck = firstStuck();
        return stuck >= 0
                ? violated(stuck, "nothing leads from here to one running copy")
                : new Result(keys.size(), moveCount, Optional.empty());
    }

    private World beginning() {
        World w = new World();
        w.log = new int[] {register.id(new Owned(Views.NAMES.get(0), 1))};
        w.nodes[0].up = w.nodes[1].up = 1;
        w.nodes[0].task = World.RUNNING;
        w.nodes[0].sourceCaughtUp = w.nodes[1].sourceCaughtUp = 1;
        w.nodes[0].copyCaughtUp = w.nodes[1].copyCaughtUp = 1;
        w.freezesLeft = bounds.freezes();
        w.serviceCrashesLeft = bounds.serviceCrashes();
        w.nodeCrashesLeft = bounds.nodeCrashes();
        w.mishapsLeft = bounds.mishaps();
        return w;
    }

    private void add(int parent, String what, World w, boolean helpful) {
        moveCount++;
        int number = keys.add(w.encode());
        if (number < 0) {
            number = -number - 1;
            parents.add(parent);
            labels.add(what);
        }
        if (helpful && parent >= 0) {
            helpfulFrom.add(parent);
            helpfulTo.add(number);
        }
    }

    private boolean settled(World w) {
        if (!(register.state(w.head()) instanceof Owned o) || w.running() != 1) {
            return hopeless(w);
        }
        World.Node owner = w.nodes[Views.NAMES.indexOf(o.node())];
        return owner.task == World.RUNNING || owner.copy == World.RELEASED;
    }

    /** Nothing is left that runs, or could be let run. */
    private boolean hopeless(World w) {
        if (w.running() > 0 || w.nodes[0].task == World.FROZEN || w.nodes[1].task == World.FROZEN) {
            return false;
        }
        return switch (register.state(w.head())) {
            case Unowned s -> true;
            case Owned s -> true;
            case Offered s -> !usable(w, Views.NAMES.indexOf(s.to()), Views.number(s.digest()));
            case Taken s -> !usable(w, Views.NAMES.indexOf(s.to()), Views.number(s.digest()));
        };
    }

    private static boolean usable(World w, int i, int digest) {
        World.Node n = w.nodes[i];
        return n.replica == digest || n.copyWaits();
    }

    /** The environment destroyed what alone had the right to run, or both the original and its copy. */
    private static boolean excused(World w) {
        return w.lostOwner == 1 || w.lostOriginal == 1 && w.lostCopy == 1;
    }

    /** The first state from which no settled one can be reached without bad luck, or -1. */
    private int firstStuck() {
        int count = keys.size();
        int[] first = new int[count + 1];
        for (int e = 0; e < helpfulTo.size(); e++) {
            first[helpfulTo.get(e) + 1]++;
        }
        for (int i = 0; i < count; i++) {
            first[i + 1] += first[i];
        }
        int[] next = Arrays.copyOf(first, count);
        int[] before = new int[helpfulTo.size()];
        for (int e = 0; e < helpfulTo.size(); e++) {
            before[next[helpfulTo.get(e)]++] = helpfulFrom.get(e);
        }
        boolean[] good = new boolean[count];
        IntList queue = new IntList();
        for (int i = 0; i < count; i++) {
            if (settled(World.decode(keys.get(i)))) {
                good[i] = true;
                queue.add(i);
            }
        }
        for (int q = 0; q < queue.size(); q++) {
            int state = queue.get(q);
            for (int e = first[state]; e < first[state + 1]; e++) {
                if (!good[before[e]]) {
                    good[before[e]] = true;
                    queue.add(before[e]);
                }
            }
        }
        for (int i = 0; i < count; i++) {
            if (!good[i]) {
                return i;
            }
        }
        return -1;
    }

    private Result violated(int at, String what) {
        List<String> path = new ArrayList<>();
        path.add("VIOLATION: " + what + " in " + describe(World.decode(keys.get(at))));
        for (int i = at; i >= 0; i = parents.get(i)) {
            path.add(labels.get(i));
        }
        Collections.reverse(path);
        return new Result(keys.size(), moveCount, Optional.of(path));
    }

    private String describe(World w) {
        HandoffState truth = register.state(w.head());
        StringBuilder text = new StringBuilder(truth.getClass().getSimpleName() + " term " + truth.term());
        for (int i = 0; i < 2; i++) {
            World.Node n = w.nodes[i];
            text.append("; ").append(Views.NAMES.get(i)).append(n.up == 1 ? "" : " (off)");
            text.append(" task ").append(n.task).append(", copy ").append(n.copy);
            text.append(", replica ").append(n.replica);
        }
        return text.toString();
    }

    /** Grows without boxing. */
    private static final class IntList {
        private int[] values = new int[1024];
        private int size;

        void add(int value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, size * 2);
            }
            values[size++] = value;
        }

        int get(int i) {
            return values[i];
        }

        int size() {
            return size;
        }
    }
}
