package io.decamp.requesters.rebalance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * For more than can be tried out: takes the move that evens out most, again and again, mostly from the fullest to the
 * emptiest node; where no single one helps, the best exchange between the two that deviate most. Then drops what
 * turned out to be superfluous, and puts one move in the place of two where it can.
 */
final class PairSearch {
    /** Of moves that are compared, for putting one in the place of two. */
    private static final long MERGE_BUDGET = 20_000_000;
    /** Of exchanges that are compared, each time. */
    private static final int EXCHANGE_BUDGET = 1_000_000;

    private final Balance balance;
    private final List<List<Move>> options;
    private final Map<Route, List<Move>> byRoute = new LinkedHashMap<>();
    private final List<Move> made = new ArrayList<>();
    private final Set<String> taken = new HashSet<>();

    private record Route(String from, String to) {
        Route back() {
            return new Route(to, from);
        }
    }

    PairSearch(Balance balance, List<List<Move>> options) {
        this.balance = balance;
        this.options = options;
        options.forEach(each -> each.forEach(
                m -> byRoute.computeIfAbsent(new Route(m.from(), m.to()), r -> new ArrayList<>()).add(m)));
    }

    Candidate search(int maxMoves) {
        boolean more = true;
        while (more && made.size() < maxMoves && balance.steps() > 0) {
            more = addMove() || (made.size() + 2 <= maxMoves && addExchange());
        }
        boolean shorter = true;
        while (shorter) {
            shorter = dropOne() || mergeTwo();
        }
        Candidate found = Candidate.of(balance, made);
        made.forEach(balance::undo);
        return found;
    }

    /** The one after which the nodes are most even, when that brings them a step nearer. */
    private boolean addMove() {
        long steps = balance.steps();
        Move best = bestSingle(steps - 1);
        if (best == null) {
            return false;
        }
        make(best);
        return true;
    }

    /** @param atMost steps that may be left after it */
    private Move bestSingle(long atMost) {
        Move best = null;
        long bestSteps = atMost;
        double bestUnevenness = Double.POSITIVE_INFINITY;
        for (List<Move> each : options) {
            for (Move move : each) {
                // away from the mean on both sides helps nobody
                if (isMade(move.workload())
                        || balance.deviationBytes(move.from()) <= 0 && balance.deviationBytes(move.to()) >= 0
                        || !balance.fits(move)) {
                    continue;
                }
                long steps = balance.stepsAfter(move);
                // the standby comes first among the moves of a workload, and is kept among equals
                if (steps < bestSteps || steps == bestSteps && balance.unevennessBy(move) < bestUnevenness) {
                    best = move;
                    bestSteps = steps;
                    bestUnevenness = balance.unevennessBy(move);
                }
            }
        }
        return best;
    }

    /** A larger one there and a smaller one back, by what evens out most. */
    private boolean addExchange() {
        long bestSteps = balance.steps() - 1;
        List<Move> best = List.of();
        int tried = 0;
        for (Route route : byRoute.keySet()) {
            if (balance.deviationBytes(route.from()) <= balance.deviationBytes(route.to())) {
                continue;
            }
            for (Move out : byRoute.get(route)) {
                if (isMade(out.workload()) || !balance.fits(out)) {
                    continue;
                }
                balance.apply(out);
                for (Move back : byRoute.getOrDefault(route.back(), List.of())) {
                    boolean smaller = back.workload().bytes() < out.workload().bytes();
                    if (++tried > EXCHANGE_BUDGET || !smaller || isMade(back.workload()) || !balance.fits(back)) {
                        continue;
                    }
                    if (balance.stepsAfter(back) <= bestSteps) {
                        bestSteps = balance.stepsAfter(back) - 1;
                        best = List.of(out, back);
                    }
                }
                balance.undo(out);
            }
        }
        best.forEach(this::make);
        return !best.isEmpty();
    }

    private boolean dropOne() {
        long steps = balance.steps();
        for (int i = made.size() - 1; i >= 0; i--) {
            Move move = made.get(i);
            balance.undo(move);
            if (balance.steps() <= steps) {
                made.remove(i);
                taken.remove(move.workload().workload());
                return true;
            }
            balance.apply(move);
        }
        return false;
    }

    private boolean mergeTwo() {
        long singles = options.stream().mapToLong(List::size).sum();
        if ((long) made.size() * made.size() / 2 * singles > MERGE_BUDGET) {
            return false;
        }
        long steps = balance.steps();
        for (int i = 0; i < made.size(); i++) {
            for (int j = i + 1; j < made.size(); j++) {
                Move first = made.get(i);
                Move second = made.get(j);
                balance.undo(first);
                balance.undo(second);
                made.remove(j);
                made.remove(i);
                taken.remove(first.workload().workload());
                taken.remove(second.workload().workload());
                Move one = bestSingle(steps);
                if (one != null) {
                    make(one);
                    return true;
                }
                made.add(i, first);
                made.add(j, second);
                taken.add(first.workload().workload());
                taken.add(second.workload().workload());
                balance.apply(first);
                balance.apply(second);
            }
        }
        return false;
    }

    private void make(Move move) {
        balance.apply(move);
        made.add(move);
        taken.add(move.workload().workload());
    }

    private boolean isMade(Movable workload) {
        return taken.contains(workload.workload());
    }
}
