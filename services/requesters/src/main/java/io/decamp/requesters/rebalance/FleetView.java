package io.decamp.requesters.rebalance;

import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Reads the topics, and keeps reading: each {@link #snapshot} is what they say by then. */
public final class FleetView implements AutoCloseable {
    /** The longest interval between epochs is seconds; beyond this a workload is not shipped. */
    private static final Duration EPOCHS = Duration.ofSeconds(60);
    /** Moves of memory that was never shipped may take minutes. */
    private static final Duration MOVES = Duration.ofMinutes(30);

    private final Bus bus;
    private final KafkaRegister register;
    private final CompactedView<NodeAnnounced> nodes;
    private final CompactedView<WorkloadSpec> specs;
    private final CompactedView<Evacuation> evacuations;
    private final EventConsumer epochReports;
    private final EventConsumer moveReports;
    private final Map<String, PagesDirty> epochs = new ConcurrentHashMap<>();
    private final Map<String, Long> epochMillis = new ConcurrentHashMap<>();
    private final OpenRequests requests;

    private FleetView(Bus bus) {
        this.bus = bus;
        requests = new OpenRequests(bus.clock());
        register = new KafkaRegister(bus);
        nodes = CompactedView.start(bus, EventType.NODES);
        specs = CompactedView.start(bus, EventType.WORKLOADS);
        evacuations = CompactedView.start(bus, EventType.EVACUATIONS);
        epochReports = EventConsumer.observe(
                bus, Subscription.recent("fleet-epochs", EPOCHS).on(EventType.PAGES_DIRTY, e -> {
                    epochs.put(e.data().getWorkload(), e.data());
                    epochMillis.put(e.data().getWorkload(), e.header().time().toEpochMilli());
                }));
        moveReports = EventConsumer.observe(
                bus,
                Subscription.recent("fleet-moves", MOVES)
                        .on(EventType.MIGRATION_REQUESTED, requests::requested)
                        .on(EventType.MIGRATION_PROGRESS, requests::progress)
                        .on(EventType.RESTORED, requests::restored)
                        .on(EventType.EVICTIONS, requests::measured)
                        .on(EventType.MIGRATION_FAILED, requests::failed));
    }

    /**
     * Returns when everything was read once.
     *
     * @throws io.decamp.contracts.error.DecampException {@code broker-unreachable}
     */
    public static FleetView open(Bus bus, Duration limit) {
        FleetView view = new FleetView(bus);
        try {
            view.register.start();
            view.register.awaitCaughtUp(limit);
            view.nodes.awaitCaughtUp(limit);
            view.specs.awaitCaughtUp(limit);
            view.evacuations.awaitCaughtUp(limit);
            view.epochReports.awaitCaughtUp(limit);
            view.moveReports.awaitCaughtUp(limit);
            return view;
        } catch (RuntimeException e) {
            view.close();
            throw e;
        }
    }

    public FleetSnapshot snapshot() {
        Map<String, HandoffState> owners = new HashMap<>();
        register.states().forEach((id, state) -> owners.put(id.value(), state));
        Map<String, PagesDirty> fresh = new HashMap<>(epochs);
        long oldest = bus.clock().millis() - EPOCHS.toMillis();
        fresh.keySet().removeIf(workload -> epochMillis.getOrDefault(workload, 0L) < oldest);
        Set<String> moving = new HashSet<>(requests.workloads());
        Set<String> evacuating = new HashSet<>();
        evacuations.all().values().stream().filter(e -> !e.getDone()).forEach(e -> {
            evacuating.add(e.getNode());
            e.getItemsList().stream()
                    .filter(i -> i.getState() == EvacuationItem.State.PLANNED
                            || i.getState() == EvacuationItem.State.MOVING)
                    .forEach(i -> moving.add(i.getWorkload()));
        });
        return new FleetSnapshot(
                bus.clock().instant(), nodes.all(), owners, specs.all(), fresh, moving, evacuating);
    }

    /** The state of one workload in the register, as read by now. */
    HandoffState owner(String workload) {
        return register.current(new WorkloadId(workload));
    }

    /** Waits until the register says that {@code node} owns it. */
    void awaitOwner(String workload, String node, Duration limit) {
        register.await(
                new WorkloadId(workload),
                s -> s instanceof HandoffState.Owned owned && owned.node().value().equals(node),
                limit);
    }

    @Override
    public void close() {
        moveReports.close();
        epochReports.close();
        evacuations.close();
        specs.close();
        nodes.close();
        register.close();
    }
}
