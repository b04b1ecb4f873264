package io.decamp.requesters.rebalance;

import java.util.Comparator;
import java.util.List;

/**
 * Moves that were tried, and what they come to. Better is: fewer steps outside the tolerated distance, then fewer
 * moves, then more of them to a standby, then fewer bytes, then more even.
 */
record Candidate(long steps, List<Move> moves, long foreign, long bytes, double unevenness)
        implements Comparable<Candidate> {
    private static final Comparator<Candidate> BETTER = Comparator.comparingLong(Candidate::steps)
            .thenComparingInt(c -> c.moves().size())
            .thenComparingLong(Candidate::foreign)
            .thenComparingLong(Candidate::bytes)
            .thenComparingDouble(Candidate::unevenness);

    /** @param balance with the moves applied */
    static Candidate of(Balance balance, List<Move> moves) {
        return new Candidate(
                balance.steps(),
                List.copyOf(moves),
                moves.stream().filter(m -> !m.toStandby()).count(),
                moves.stream().mapToLong(m -> m.workload().bytes()).sum(),
                balance.unevenness());
    }

    boolean betterThan(Candidate other) {
        return compareTo(other) < 0;
    }

    @Override
    public int compareTo(Candidate other) {
        return BETTER.compare(this, other);
    }
}
