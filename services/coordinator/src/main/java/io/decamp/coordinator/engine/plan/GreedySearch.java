package io.decamp.coordinator.engine.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A good order of many candidates: fills the time by value density, then exchanges one that is in for whatever fits in
 * its place and is worth more, as Moore and Hodgson's rule does for equal weights, until nothing is gained.
 */
final class GreedySearch {
    /** Sets that are tried from each end. */
    static final int MAX_TRIALS = 2_000;

    /** The last move's fixed part overlaps with nothing: what has a long one goes first (Jackson's rule for tails). */
    private static final Comparator<Candidate> LONG_TAIL_FIRST =
            Comparator.comparingLong(Candidate::fixedMicros).reversed().thenComparing(Candidate::workload);

    private static final Comparator<Candidate> BY_WEIGHT =
            Comparator.comparingDouble(Candidate::weight).reversed().thenComparing(Candidate::workload);

    private final Timeline timeline;
    private final Rooms rooms;
    private final long deadlineMicros;
    private final Comparator<Candidate> byDensity;
    private int trials;

    private GreedySearch(Timeline timeline, Rooms rooms, long deadlineMicros, int slots) {
        this.timeline = timeline;
        this.rooms = rooms;
        this.deadlineMicros = deadlineMicros;
        this.byDensity = density(slots);
    }

    /** Most value for the time first: of the link, or of a slot, whichever a candidate needs more of. */
    static Comparator<Candidate> density(int slots) {
        return Comparator.<Candidate>comparingDouble(c -> c.weight()
                        / Math.max(1, Math.max(c.linkMicros(), c.aloneMicros() / (double) slots)))
                .reversed()
                .thenComparingLong(Candidate::aloneMicros)
                .thenComparing(Candidate::workload);
    }

    static Sequence best(List<Candidate> all, Timeline timeline, Rooms rooms, long deadlineMicros, int slots) {
        return new GreedySearch(timeline, rooms, deadlineMicros, slots).search(all);
    }

    /** From two ends, since the densest may leave no room for the dearest. */
    private Sequence search(List<Candidate> all) {
        Sequence byDensity = improved(all, this.byDensity);
        Sequence byWeight = improved(all, BY_WEIGHT);
        return byWeight.betterThan(byDensity) ? byWeight : byDensity;
    }

    private Sequence improved(List<Candidate> all, Comparator<Candidate> first) {
        List<Candidate> in = new ArrayList<>();
        List<Candidate> out = new ArrayList<>(all);
        out.sort(first);
        trials = 0;
        fill(in, out);
        boolean gained = true;
        while (gained && trials < MAX_TRIALS) {
            gained = exchange(in, out);
        }
        return inBestOrder(in);
    }

    /** Moves from {@code out} to {@code in} whatever fits, in the order of {@code out}. */
    private void fill(List<Candidate> in, List<Candidate> out) {
        for (int i = 0; i < out.size() && trials < MAX_TRIALS; ) {
            in.add(out.get(i));
            if (fits(in)) {
                out.remove(i);
            } else {
                in.removeLast();
                i++;
            }
        }
    }

    /** @return whether one was found whose place is worth more to others */
    private boolean exchange(List<Candidate> in, List<Candidate> out) {
        for (Candidate leaving : in.stream().sorted(byDensity.reversed()).toList()) {
            List<Candidate> others = new ArrayList<>(in);
            others.remove(leaving);
            List<Candidate> rest = new ArrayList<>(out);
            fill(others, rest);
            if (value(others) > value(in)) {
                rest.add(leaving);
                rest.sort(byDensity);
                in.clear();
                in.addAll(others);
                out.clear();
                out.addAll(rest);
                fill(in, out);
                return true;
            }
            if (trials >= MAX_TRIALS) {
                return false;
            }
        }
        return false;
    }

    private boolean fits(List<Candidate> chosen) {
        trials++;
        return inTailOrder(chosen) != null || inValueOrder(chosen) != null;
    }

    private Sequence inValueOrder(List<Candidate> chosen) {
        return Sequence.of(chosen.stream().sorted(byDensity).toList(), timeline, rooms, deadlineMicros);
    }

    private Sequence inTailOrder(List<Candidate> chosen) {
        return Sequence.of(chosen.stream().sorted(LONG_TAIL_FIRST).toList(), timeline, rooms, deadlineMicros);
    }

    /** The most valuable first, where all are still in time: the failure may come before its deadline. */
    private Sequence inBestOrder(List<Candidate> chosen) {
        Sequence byValue = inValueOrder(chosen);
        return byValue != null ? byValue : inTailOrder(chosen);
    }

    private static double value(List<Candidate> chosen) {
        return chosen.stream().mapToDouble(Candidate::weight).sum();
    }
}
