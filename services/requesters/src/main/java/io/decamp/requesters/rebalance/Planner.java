package io.decamp.requesters.rebalance;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the moves: exactly where all sets of moves can be tried, else by {@link PairSearch}. The same input gives the
 * same plan. Plain computation without a clock or I/O.
 */
public final class Planner {
    /** Sets of moves that are tried out: about a second. */
    static final double EXACT_BUDGET = 5_000_000;

    private final double exactBudget;

    public Planner() {
        this(EXACT_BUDGET);
    }

    Planner(double exactBudget) {
        this.exactBudget = exactBudget;
    }

    public Plan plan(List<Node> nodes, List<Movable> movables, Limits limits) {
        Balance balance = new Balance(nodes, limits);
        Map<String, Long> before = loads(nodes, balance);
        List<List<Move>> options = options(movables, balance);
        ExactSearch.Found found = new ExactSearch(balance, options).search(limits.maxMoves(), exactBudget);
        Candidate best = found.best();
        if (!found.complete()) {
            Candidate paired = new PairSearch(balance, options).search(limits.maxMoves());
            best = paired.betterThan(best) ? paired : best;
        }
        List<Move> moves = new ArrayList<>(best.moves());
        moves.sort(Comparator.comparingLong((Move m) -> -m.workload().bytes())
                .thenComparing(m -> m.workload().workload()));
        moves.forEach(balance::apply);
        return new Plan(nodes, moves, before, loads(nodes, balance), best.steps() == 0, found.complete());
    }

    private static Map<String, Long> loads(List<Node> nodes, Balance balance) {
        Map<String, Long> loads = new LinkedHashMap<>();
        nodes.forEach(n -> loads.put(n.name(), balance.loadBytes(n.name())));
        return loads;
    }

    /** Of each workload that has any; the standby first, so that it is kept among equals. */
    private static List<List<Move>> options(List<Movable> movables, Balance balance) {
        List<List<Move>> options = new ArrayList<>();
        movables.stream()
                .filter(m -> balance.knows(m.node()))
                .sorted(Comparator.comparing(Movable::workload))
                .forEach(movable -> {
                    List<Move> moves = movable.destinations().stream()
                            .filter(to -> !to.equals(movable.node()) && balance.knows(to))
                            .map(to -> new Move(movable, to))
                            .filter(balance::fits)
                            .sorted(Comparator.comparing((Move m) -> !m.toStandby()).thenComparing(Move::to))
                            .toList();
                    if (!moves.isEmpty()) {
                        options.add(moves);
                    }
                });
        return options;
    }
}
