package io.decamp.requesters.rebalance;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Tries every set of at most so many moves, the small ones first: what it finds has no better. It says beforehand how
 * far it can go: the number of sets grows with (workloads * nodes) to the power of the moves.
 */
final class ExactSearch {
    private final Balance balance;
    /** The moves that each workload can make. */
    private final List<List<Move>> options;
    private final Deque<Move> made = new ArrayDeque<>();
    private Candidate best;

    ExactSearch(Balance balance, List<List<Move>> options) {
        this.balance = balance;
        this.options = options;
        this.best = Candidate.of(balance, List.of());
    }

    /** @param complete there is nothing better within the allowed moves */
    record Found(Candidate best, boolean complete) {}

    /** @param budget of sets that may be tried */
    Found search(int maxMoves, double budget) {
        double left = budget;
        int most = Math.min(maxMoves, options.size());
        for (int moves = 1; moves <= most && best.steps() > 0; moves++) {
            left -= sets(moves);
            if (left < 0) {
                return new Found(best, false);
            }
            descend(0, moves);
        }
        return new Found(best, true);
    }

    /** How many sets of so many moves there are: an elementary symmetric polynomial of the numbers of options. */
    private double sets(int moves) {
        double[] count = new double[moves + 1];
        count[0] = 1;
        for (List<Move> each : options) {
            for (int k = moves; k > 0; k--) {
                count[k] += count[k - 1] * each.size();
            }
        }
        return count[moves];
    }

    private void descend(int from, int moves) {
        if (moves == 0) {
            look();
            return;
        }
        for (int i = from; i <= options.size() - moves; i++) {
            for (Move move : options.get(i)) {
                if (balance.fits(move)) {
                    balance.apply(move);
                    made.addLast(move);
                    descend(i + 1, moves - 1);
                    made.removeLast();
                    balance.undo(move);
                }
            }
        }
    }

    private void look() {
        if (balance.steps() <= best.steps()) {
            Candidate candidate = Candidate.of(balance, new ArrayList<>(made));
            if (candidate.betterThan(best)) {
                best = candidate;
            }
        }
    }
}
