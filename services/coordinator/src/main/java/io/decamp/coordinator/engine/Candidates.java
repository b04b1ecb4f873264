package io.decamp.coordinator.engine;

import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.coordinator.engine.plan.Candidate;
import io.decamp.coordinator.engine.plan.Rooms;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What is known of workloads and nodes, as the planner takes it. */
final class Candidates {
    /** Freeze, hand-off and restore of a small workload, where none has been learned: docs/specification.md, P2. */
    private static final long ASSUMED_FIXED_MICROS = 250_000;
    /** runc sets up namespaces, mounts and cgroups besides, at both ends. */
    private static final long ASSUMED_RUNC_MICROS = 250_000;
    /** Of a link that nobody has measured: a gigabit. */
    private static final long ASSUMED_BYTES_PER_SECOND = 100_000_000;

    private final Fleet fleet;

    Candidates(Fleet fleet) {
        this.fleet = fleet;
    }

    /**
     * @param wanted destination of all, empty for any
     * @param avoided where this one has failed to go to
     */
    Candidate of(String workload, String wanted, Set<String> avoided) {
        int priority = fleet.spec(workload)
                .map(WorkloadSpec::getPolicy)
                .map(Policy::getPriority)
                .orElse(0);
        long fixedGuess = ASSUMED_FIXED_MICROS + (workload.startsWith("runc:") ? ASSUMED_RUNC_MICROS : 0);
        Optional<PagesDirty> fresh = fleet.freshReport(workload);
        if (fresh.isEmpty()) {
            long bytes = fleet.report(workload).map(r -> r.epoch().getTrackedBytes()).orElse(0L);
            return new Candidate(
                    workload, priority, 0, fixedGuess, linkMicros(bytes, 0), bytes, "", wanted, avoided);
        }
        PagesDirty epoch = fresh.get();
        long learned = epoch.getModel().getFreezeMicros() + epoch.getModel().getHandOffMicros();
        long total = Math.max(0, epoch.getPredictedEvictionMicros());
        long fixed = Math.min(total, learned > 0 ? learned : fixedGuess);
        long bytes = epoch.getTrackedBytes();
        return new Candidate(
                workload,
                priority,
                total - fixed,
                fixed,
                linkMicros(bytes, epoch.getLinkBytesPerSecond()),
                bytes,
                epoch.getStandby(),
                wanted,
                avoided);
    }

    private static long linkMicros(long bytes, long bytesPerSecond) {
        return Math.round(bytes * 1e6 / (bytesPerSecond > 0 ? bytesPerSecond : ASSUMED_BYTES_PER_SECOND));
    }

    /**
     * The room on all nodes that are there, less what is on its way to them or came after they last counted.
     *
     * @param excluded the source, and nodes that are being emptied themselves
     */
    Rooms rooms(Set<String> excluded) {
        Map<String, Long> promised = promisedBytes();
        List<Rooms.Room> rooms = new ArrayList<>();
        for (NodeAnnounced node : fleet.presentNodes()) {
            if (!excluded.contains(node.getNode())) {
                long less = promised.getOrDefault(node.getNode(), 0L);
                rooms.add(new Rooms.Room(
                        node.getNode(), node.getAvailableBytes() - less, node.getFreeBytes() - less));
            }
        }
        return Rooms.of(rooms);
    }

    private Map<String, Long> promisedBytes() {
        Map<String, Long> promised = new HashMap<>();
        for (var evacuation : fleet.evacuationsUnderWay()) {
            for (var item : evacuation.getItemsList()) {
                boolean counted = switch (item.getState()) {
                    case MOVING -> true;
                    case MOVED -> fleet.node(item.getDestination())
                            .filter(n -> n.getAnnouncedUnixMillis() <= item.getEndedUnixMillis())
                            .isPresent();
                    default -> false;
                };
                if (counted) {
                    long bytes = fleet.report(item.getWorkload())
                            .map(r -> r.epoch().getTrackedBytes())
                            .orElse(0L);
                    promised.merge(item.getDestination(), bytes, Long::sum);
                }
            }
        }
        return promised;
    }
}
