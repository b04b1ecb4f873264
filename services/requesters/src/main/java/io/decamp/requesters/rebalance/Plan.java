package io.decamp.requesters.rebalance;

import java.util.List;
import java.util.Map;

/**
 * What would be moved, and what the nodes would hold then.
 *
 * @param moves in the order in which they are made: the largest first, as it helps most if it stops
 * @param before load of each node, in bytes
 * @param after load of each node, in bytes
 * @param even every node is within the threshold of the mean, after all moves
 * @param exact no smaller set of moves comes as near
 */
public record Plan(
        List<Node> nodes,
        List<Move> moves,
        Map<String, Long> before,
        Map<String, Long> after,
        boolean even,
        boolean exact) {
    public Plan {
        nodes = List.copyOf(nodes);
        moves = List.copyOf(moves);
        before = Map.copyOf(before);
        after = Map.copyOf(after);
    }

    public double spreadBefore() {
        return spread(before);
    }

    public double spreadAfter() {
        return spread(after);
    }

    /** Between the fullest and the emptiest node, as a share of their memory. */
    private double spread(Map<String, Long> load) {
        double[] fill = nodes.stream()
                .mapToDouble(n -> (double) load.get(n.name()) / n.memoryBytes())
                .sorted()
                .toArray();
        return fill.length == 0 ? 0 : fill[fill.length - 1] - fill[0];
    }
}
