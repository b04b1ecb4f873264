package io.decamp.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Restored;
import io.decamp.requesters.rebalance.Move;
import io.decamp.requesters.rebalance.Node;
import io.decamp.requesters.rebalance.Plan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A plan and what came of it, for people and for programs. Thread-safe. */
final class RebalanceReport {
    private static final String NODE = "%-16s %12s %18s %18s%n";
    private static final String MOVE = "%-28s %-12s %-12s %10s  %-16s %s%n";
    private static final int PERCENT = 100;

    private final Plan plan;
    private final List<String> left;
    private final Map<Move, Restored> moved = new LinkedHashMap<>();
    private final Map<Move, DecampException> failures = new LinkedHashMap<>();

    RebalanceReport(Plan plan, List<String> left) {
        this.plan = plan;
        this.left = left;
    }

    String toText() {
        StringBuilder out = new StringBuilder(String.format(NODE, "NODE", "MEMORY", "LOAD NOW", "AFTER"));
        for (Node node : plan.nodes()) {
            out.append(String.format(
                    NODE,
                    node.name(),
                    Format.bytes(node.memoryBytes()),
                    load(node, plan.before()),
                    load(node, plan.after())));
        }
        left.forEach(line -> out.append("left out: ").append(line).append('\n'));
        if (!plan.moves().isEmpty()) {
            out.append('\n');
            out.append(String.format(MOVE, "WORKLOAD", "FROM", "TO", "SIZE", "EVICTION", "HOW"));
            for (Move move : plan.moves()) {
                out.append(String.format(
                        MOVE,
                        move.workload().workload(),
                        move.from(),
                        move.to(),
                        Format.bytes(move.workload().bytes()),
                        move.toStandby() ? "about " + Format.micros(move.workload().evictionMicros()) : "a whole copy",
                        move.toStandby() ? "to its standby" : "to a node that has none of it"));
            }
        }
        out.append(String.format(
                Locale.ROOT,
                "spread between the fullest and the emptiest node: %.1f%% now, %.1f%% after%n",
                PERCENT * plan.spreadBefore(),
                PERCENT * plan.spreadAfter()));
        return out.toString();
    }

    /** @param executed the moves were to be made, too */
    synchronized String end(boolean executed) {
        int moves = plan.moves().size();
        if (plan.nodes().size() < 2) {
            return "Nothing to do: " + plan.nodes().size() + " nodes to choose from.";
        }
        if (moves == 0) {
            return plan.even()
                    ? "Nothing to do: every node is within the threshold."
                    : "Nothing to do: no move that is allowed and fits brings it nearer.";
        }
        String even = " Not within the threshold even then: no more can be moved, or --max-moves forbids it.";
        String exact = " Too many to try out all: there may be a plan with fewer moves.";
        String how = (plan.even() ? "" : even) + (plan.exact() ? "" : exact);
        if (!executed) {
            return moves + (moves == 1 ? " move" : " moves") + ". Nothing was moved; --execute does it." + how;
        }
        String result = moved.size() + " of " + moves + " moved";
        if (!failures.isEmpty()) {
            int rest = moves - moved.size() - failures.size();
            result += ", " + failures.size() + " failed, " + rest + " not begun. What moved stays moved";
        }
        return result + "." + how;
    }

    synchronized boolean failed() {
        return !failures.isEmpty();
    }

    synchronized String moved(Move move, Restored restored) {
        moved.put(move, restored);
        return String.format(
                "%s runs on %s: frozen %s, evicted in %s",
                move.workload().workload(),
                move.to(),
                Format.micros(restored.getFreezeMicros()),
                Format.micros(restored.getEvictionMicros()));
    }

    synchronized String failed(Move move, DecampException e) {
        failures.put(move, e);
        return String.format(
                "%s was not moved: %s (%s)%n        %s",
                move.workload().workload(),
                e.getMessage(),
                e.code(),
                e.advice());
    }

    synchronized String toJson() {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("even", plan.even())
                .put("exact", plan.exact())
                .put("spreadBefore", plan.spreadBefore())
                .put("spreadAfter", plan.spreadAfter());
        ArrayNode nodes = root.putArray("nodes");
        plan.nodes().forEach(n -> nodes.addObject()
                .put("node", n.name())
                .put("memoryBytes", n.memoryBytes())
                .put("loadBytes", plan.before().get(n.name()))
                .put("loadAfterBytes", plan.after().get(n.name())));
        ArrayNode moves = root.putArray("moves");
        plan.moves().forEach(move -> {
            ObjectNode each = moves.addObject()
                    .put("workload", move.workload().workload())
                    .put("from", move.from())
                    .put("to", move.to())
                    .put("bytes", move.workload().bytes())
                    .put("toStandby", move.toStandby())
                    .put("predictedEvictionMicros", move.workload().evictionMicros());
            if (moved.containsKey(move)) {
                each.put("result", "moved")
                        .put("migration", moved.get(move).getMigration())
                        .put("freezeMicros", moved.get(move).getFreezeMicros())
                        .put("evictionMicros", moved.get(move).getEvictionMicros());
            } else if (failures.containsKey(move)) {
                each.put("result", "failed")
                        .put("code", failures.get(move).code())
                        .put("reason", failures.get(move).getMessage());
            }
        });
        left.forEach(root.putArray("leftOut")::add);
        return root.toPrettyString();
    }

    private static String load(Node node, Map<String, Long> loads) {
        long load = loads.get(node.name());
        double percent = PERCENT * (double) load / node.memoryBytes();
        return String.format(Locale.ROOT, "%s (%.1f%%)", Format.bytes(load), percent);
    }
}
