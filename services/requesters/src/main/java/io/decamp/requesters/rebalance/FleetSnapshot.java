package io.decamp.requesters.rebalance;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.WorkloadSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the topics said at one moment, and what of it can be planned with.
 *
 * @param nodes announcements by node
 * @param owners state of each workload in the register
 * @param specs what is to be protected
 * @param epochs the last report of each workload that is shipped
 * @param moving workloads that were asked to move and have not ended yet, or that an evacuation is about
 * @param evacuating nodes that are being emptied
 */
public record FleetSnapshot(
        Instant at,
        Map<String, NodeAnnounced> nodes,
        Map<String, HandoffState> owners,
        Map<String, WorkloadSpec> specs,
        Map<String, PagesDirty> epochs,
        Set<String> moving,
        Set<String> evacuating) {
    /** A node announces itself every five seconds. */
    static final Duration PRESENT_WITHIN = Duration.ofSeconds(15);
    /** Of a node's memory: stays free, for what runs there beside. */
    static final double RESERVE_SHARE = 0.05;

    /** What is evened out. */
    public enum Measure {
        /** All that is in use, but for replicas: they go where there is room. */
        USED,
        /** Memory of protected workloads only. */
        WORKLOADS
    }

    /**
     * @param left for people: what was left out, and why
     */
    public record Fleet(List<Node> nodes, List<Movable> movables, List<String> left) {}

    /** @param anywhere a workload may go to any node, not only to those it is to be protected on */
    public Fleet fleet(Measure measure, boolean anywhere) {
        List<String> left = new ArrayList<>();
        Set<String> present = present(left);
        Map<String, Long> running = new HashMap<>();
        Map<String, Long> replicas = new HashMap<>();
        List<Movable> movables = new ArrayList<>();
        new TreeMap<>(owners).forEach((workload, state) -> {
            PagesDirty epoch = epochs.get(workload);
            if (epoch != null) {
                running.merge(holder(state), epoch.getTrackedBytes(), Long::sum);
                replicas.merge(epoch.getStandby(), epoch.getTrackedBytes(), Long::sum);
            }
            movable(workload, state, epoch, present, anywhere, movables, left);
        });
        List<Node> planned = present.stream()
                .sorted()
                .map(name -> node(
                        nodes.get(name),
                        measure,
                        running.getOrDefault(name, 0L),
                        replicas.getOrDefault(name, 0L)))
                .toList();
        return new Fleet(planned, movables, left);
    }

    private Set<String> present(List<String> left) {
        Set<String> present = new HashSet<>();
        new TreeMap<>(nodes).forEach((name, n) -> {
            Duration silent = Duration.between(Instant.ofEpochMilli(n.getAnnouncedUnixMillis()), at);
            if (n.getMemoryBytes() <= 0 || n.getAnnouncedUnixMillis() == 0) {
                left.add("node " + name + ": does not tell its memory, being of an older version");
            } else if (silent.compareTo(PRESENT_WITHIN) > 0) {
                left.add("node " + name + ": has not announced itself for " + silent.toSeconds() + " s");
            } else if (evacuating.contains(name)) {
                left.add("node " + name + ": is being evacuated");
            } else {
                present.add(name);
            }
        });
        return present;
    }

    private void movable(
            String workload,
            HandoffState state,
            PagesDirty epoch,
            Set<String> present,
            boolean anywhere,
            List<Movable> movables,
            List<String> left) {
        if (state instanceof HandoffState.Unowned) {
            return;
        }
        String node = holder(state);
        String why = null;
        if (!(state instanceof HandoffState.Owned) || moving.contains(workload)) {
            why = "is being moved already";
        } else if (!present.contains(node)) {
            why = "runs on " + node + ", which is left out";
        } else if (!specs.containsKey(workload)) {
            why = "is not to be protected any more";
        } else if (epoch == null || !epoch.getNode().equals(node) || epoch.getTrackedBytes() <= 0) {
            why = "is not shipped at the moment, so its size is not known";
        }
        if (why != null) {
            left.add(workload + ": " + why);
            return;
        }
        Set<String> destinations = new HashSet<>(anywhere ? present : specs.get(workload).getNodesList());
        destinations.add(epoch.getStandby());
        destinations.retainAll(present);
        destinations.remove(node);
        movables.add(new Movable(
                workload,
                node,
                epoch.getTrackedBytes(),
                epoch.getStandby(),
                destinations,
                epoch.getPredictedEvictionMicros()));
    }

    /** Whose memory it takes: while it is handed over, still the source's. */
    private static String holder(HandoffState state) {
        return switch (state) {
            case HandoffState.Unowned s -> "";
            case HandoffState.Owned s -> s.node().value();
            case HandoffState.Offered s -> s.from().value();
            case HandoffState.Taken s -> s.to().value();
        };
    }

    private static Node node(NodeAnnounced n, Measure measure, long runningBytes, long replicaBytes) {
        long used = n.getMemoryBytes() - n.getAvailableBytes() - replicaBytes;
        long load =
                switch (measure) {
                    case USED -> Math.max(used, 0);
                    case WORKLOADS -> runningBytes;
                };
        long room = n.getAvailableBytes() - (long) (RESERVE_SHARE * n.getMemoryBytes());
        return new Node(n.getNode(), n.getMemoryBytes(), load, Math.max(room, 0), n.getFreeBytes());
    }
}
