package io.decamp.coordinator.engine;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.WorkloadSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jboss.logging.Logger;

/**
 * Gives a standby to every workload that has none, or whose standby has been gone for long or has no room: the node
 * with most room for each replica that it keeps. Changes one workload's standby at most once in
 * {@link CoordinatorLimits#standbyPatience}, since each change costs a full copy. One thread.
 */
final class StandbyKeeper {
    private static final Logger LOG = Logger.getLogger(StandbyKeeper.class);
    /** What the receiver says when a replica does not fit. */
    private static final String FULL = "destination-full";

    private final Fleet fleet;
    private final CoordinatorLimits limits;
    private final Map<String, Long> changedMillis = new HashMap<>();
    private final Set<String> withoutAny = new HashSet<>();

    StandbyKeeper(Fleet fleet, CoordinatorLimits limits) {
        this.fleet = fleet;
        this.limits = limits;
    }

    /** Wishes that should replace those that are there. */
    List<WorkloadSpec> changes(Predicate<String> isMine) {
        Map<String, WorkloadSpec> specs = fleet.specs();
        changedMillis.keySet().retainAll(specs.keySet());
        withoutAny.retainAll(specs.keySet());
        Set<String> leaving = leaving();
        List<WorkloadSpec> changes = new ArrayList<>();
        Map<String, Integer> replicas = null;
        for (WorkloadSpec spec : specs.values()) {
            Optional<String> reason = leaving.contains(spec.getWorkload()) || !isMine.test(spec.getWorkload())
                    ? Optional.empty()
                    : reasonToChange(spec);
            if (reason.isPresent()) {
                replicas = replicas == null ? replicas(specs) : replicas;
                change(spec, reason.get(), replicas).ifPresent(changes::add);
            }
        }
        return changes;
    }

    /** While a workload is on its way, where it was shipped to is not to be touched. */
    private Set<String> leaving() {
        Set<String> leaving = new HashSet<>();
        fleet.evacuationsUnderWay().forEach(e -> e.getItemsList().stream()
                .filter(i -> i.getState() == EvacuationItem.State.MOVING
                        || i.getState() == EvacuationItem.State.PLANNED)
                .forEach(i -> leaving.add(i.getWorkload())));
        return leaving;
    }

    private Optional<String> reasonToChange(WorkloadSpec spec) {
        String source = sourceOf(spec);
        HandoffState owner = fleet.owner(spec.getWorkload());
        boolean still = owner instanceof HandoffState.Owned || owner instanceof HandoffState.Unowned;
        Long changed = changedMillis.get(spec.getWorkload());
        boolean justChanged =
                changed != null && fleet.nowMillis() - changed < limits.standbyPatience().toMillis();
        if (source.isEmpty() || !still || justChanged) {
            return Optional.empty();
        }
        Optional<String> standby = standbyOf(spec, source);
        if (standby.isEmpty()) {
            return Optional.of("it has none");
        }
        long silent = fleet.silentMillis(standby.get());
        if (silent > limits.standbyPatience().toMillis()) {
            return Optional.of(standby.get() + (silent == Long.MAX_VALUE
                    ? " has never been there"
                    : " has been silent for " + silent / 1000 + " s"));
        }
        return fleet.trouble(spec.getWorkload())
                .filter(t -> t.event().getCode().equals(FULL))
                .map(t -> standby.get() + " has no room: " + t.event().getReason());
    }

    private String sourceOf(WorkloadSpec spec) {
        String owner = Fleet.sourceOf(fleet.owner(spec.getWorkload()));
        return !owner.isEmpty() || spec.getNodesCount() == 0 ? owner : spec.getNodes(0);
    }

    /** As the snapshotter takes it: the first of its nodes that does not run it. */
    private static Optional<String> standbyOf(WorkloadSpec spec, String source) {
        return spec.getNodesList().stream().filter(n -> !n.equals(source)).findFirst();
    }

    private Map<String, Integer> replicas(Map<String, WorkloadSpec> specs) {
        Map<String, Integer> kept = new HashMap<>();
        for (WorkloadSpec spec : specs.values()) {
            standbyOf(spec, sourceOf(spec)).ifPresent(s -> kept.merge(s, 1, Integer::sum));
        }
        return kept;
    }

    private Optional<WorkloadSpec> change(WorkloadSpec spec, String reason, Map<String, Integer> replicas) {
        String source = sourceOf(spec);
        Optional<String> before = standbyOf(spec, source);
        Optional<String> chosen = choose(spec.getWorkload(), source, before.orElse(""), replicas);
        if (chosen.isEmpty()) {
            if (withoutAny.add(spec.getWorkload())) {
                LOG.warnf("%s gets no standby (%s): no node that is there has room", spec.getWorkload(), reason);
            }
            return Optional.empty();
        }
        withoutAny.remove(spec.getWorkload());
        changedMillis.put(spec.getWorkload(), fleet.nowMillis());
        before.ifPresent(b -> replicas.merge(b, -1, Integer::sum));
        replicas.merge(chosen.get(), 1, Integer::sum);
        LOG.infof("%s gets standby %s: %s", spec.getWorkload(), chosen.get(), reason);
        return Optional.of(spec.toBuilder().clearNodes().addNodes(source).addNodes(chosen.get()).build());
    }

    private Optional<String> choose(String workload, String source, String before, Map<String, Integer> replicas) {
        long bytes = fleet.report(workload).map(r -> r.epoch().getTrackedBytes()).orElse(0L);
        Set<String> excluded = new HashSet<>(Set.of(source, before));
        fleet.evacuationsUnderWay().forEach(e -> excluded.add(e.getNode()));
        NodeAnnounced best = null;
        double bestShare = 0;
        for (NodeAnnounced node : fleet.presentNodes()) {
            long room = Math.min(node.getAvailableBytes(), node.getFreeBytes());
            double share = room / (1.0 + replicas.getOrDefault(node.getNode(), 0));
            if (!excluded.contains(node.getNode()) && room > bytes && (best == null || share > bestShare)) {
                best = node;
                bestShare = share;
            }
        }
        return Optional.ofNullable(best).map(NodeAnnounced::getNode);
    }
}
