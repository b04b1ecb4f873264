package io.decamp.coordinator.engine.plan;

import java.util.Comparator;
import java.util.List;

/**
 * Branch and bound over all orders of a few candidates. A branch is left when even a link and slots that could be
 * filled without gaps, with fractions of workloads, would not save more than what was found.
 */
final class ExactSearch {
    /** Nine have 362 880 orders; the bound leaves a few thousand of them. */
    static final int MAX_CANDIDATES = 9;
    /** About a tenth of a second; a plan must not take as long as a move. */
    private static final int MAX_BRANCHES = 50_000;

    private final List<Candidate> byLinkDensity;
    private final List<Candidate> bySlotDensity;
    private final List<Candidate> all;
    private final long deadlineMicros;
    private Sequence best;
    private int branches;

    private ExactSearch(List<Candidate> all, long deadlineMicros, Sequence start) {
        this.all = all;
        this.byLinkDensity = sorted(all, Comparator.comparingDouble(c -> c.weight() / Math.max(1, c.linkMicros())));
        this.bySlotDensity = sorted(all, Comparator.comparingDouble(c -> c.weight() / Math.max(1, c.aloneMicros())));
        this.deadlineMicros = deadlineMicros;
        this.best = start;
    }

    private static List<Candidate> sorted(List<Candidate> all, Comparator<Candidate> ascending) {
        return all.stream().sorted(ascending.reversed()).toList();
    }

    /**
     * @param start a sequence to beat; the empty one at worst
     * @return null when there were more orders to try than {@link #MAX_BRANCHES}
     */
    static Sequence best(List<Candidate> all, Sequence start, Sequence empty, long deadlineMicros) {
        if (all.size() > MAX_CANDIDATES) {
            throw new IllegalArgumentException(all.size() + " candidates, at most " + MAX_CANDIDATES);
        }
        ExactSearch search = new ExactSearch(all, deadlineMicros, start);
        search.extend(empty, 0);
        return search.branches > MAX_BRANCHES ? null : search.best;
    }

    /** @param used bit set of indexes in {@link #all} */
    private void extend(Sequence sequence, int used) {
        if (sequence.betterThan(best)) {
            best = sequence;
        }
        // as much in another order is not looked for: what was found first sends the densest first
        if (sequence.value() + boundOfRest(sequence, used) <= best.value() || ++branches > MAX_BRANCHES) {
            return;
        }
        for (int i = 0; i < all.size(); i++) {
            if ((used & 1 << i) == 0) {
                Sequence longer = sequence.then(all.get(i), deadlineMicros);
                if (longer != null) {
                    extend(longer, used | 1 << i);
                }
            }
        }
    }

    /** No order of the rest saves more than this: the smaller of two fractional knapsacks. */
    private double boundOfRest(Sequence sequence, int used) {
        double byLink = fill(byLinkDensity, used, sequence.timeline().linkLeft(deadlineMicros), true);
        double bySlots = fill(bySlotDensity, used, sequence.timeline().slotsLeft(deadlineMicros), false);
        return Math.min(byLink, bySlots);
    }

    private double fill(List<Candidate> byDensity, int used, double capacity, boolean link) {
        double value = 0;
        double left = capacity;
        for (Candidate c : byDensity) {
            if ((used & 1 << all.indexOf(c)) != 0) {
                continue;
            }
            double size = link ? c.linkMicros() : c.aloneMicros();
            if (size >= left) {
                return size == 0 ? value + c.weight() : value + c.weight() * left / size;
            }
            left -= size;
            value += c.weight();
        }
        return value;
    }
}
