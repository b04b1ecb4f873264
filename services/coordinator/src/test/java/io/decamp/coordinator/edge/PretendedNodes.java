package io.decamp.coordinator.edge;

import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.Truth;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Nodes that announce themselves, own workloads in a real register, and move them by handing them over there. */
final class PretendedNodes implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Digest DIGEST = new Digest(HexFormat.of().parseHex("ab".repeat(32)));

    private final EventPublisher publisher;
    private final KafkaRegister register;
    private final EventConsumer requests;
    private final Map<String, Long> freeBytes = new ConcurrentHashMap<>();
    private final Map<String, List<String>> asked = new ConcurrentHashMap<>();
    private final Map<String, String> refusedBy = new ConcurrentHashMap<>();
    private final Set<String> silent = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService work =
            Executors.newScheduledThreadPool(4, Thread.ofPlatform().daemon().factory());
    private final long moveMillis;

    PretendedNodes(Bus bus, EventPublisher publisher, long moveMillis) {
        this.publisher = publisher;
        this.moveMillis = moveMillis;
        register = new KafkaRegister(bus);
        register.start();
        register.awaitCaughtUp(LIMIT);
        requests = EventConsumer.start(
                bus, Subscription.fromEnd("nodes").on(EventType.MIGRATION_REQUESTED, this::requested), publisher);
        requests.awaitReady(LIMIT);
        work.scheduleAtFixedRate(() -> freeBytes.keySet().forEach(this::announce), 1, 1, TimeUnit.SECONDS);
    }

    void node(String name, long free) {
        freeBytes.put(name, free);
        publisher.send(EventType.NODES, announcement(name), LIMIT);
    }

    void silence(String name) {
        silent.add(name);
    }

    /** From now on every move to that node fails with this code. */
    void refuse(String destination, String code) {
        refusedBy.put(destination, code);
    }

    /** Protected, with a replica on its standby where one is named. */
    WorkloadId workload(String id, String node, String standby, long bytes) {
        WorkloadId workload = new WorkloadId(id);
        WorkloadSpec.Builder spec = WorkloadSpec.newBuilder().setWorkload(id).addNodes(node);
        if (!standby.isEmpty()) {
            spec.addNodes(standby);
        }
        publisher.send(EventType.WORKLOADS, spec.build(), LIMIT);
        register.append(workload, HandoffRecords.claim(workload, register.current(workload), new NodeId(node)), LIMIT);
        publisher.send(
                EventType.PAGES_DIRTY,
                PagesDirty.newBuilder()
                        .setWorkload(id)
                        .setNode(node)
                        .setStandby(standby)
                        .setEpoch(3)
                        .setTrackedBytes(bytes)
                        .setPredictedEvictionMicros(300_000)
                        .setLinkBytesPerSecond(1_000_000_000)
                        .build(),
                LIMIT);
        return workload;
    }

    String owner(WorkloadId workload) {
        return register.current(workload) instanceof HandoffState.Owned owned ? owned.node().value() : "";
    }

    /** Ids of the requests that were made for a workload, duplicates included. */
    List<String> asked(String workload) {
        return asked.getOrDefault(workload, List.of());
    }

    long moved(List<WorkloadId> all, String from) {
        return all.stream().filter(w -> !owner(w).equals(from) && !owner(w).isEmpty()).count();
    }

    private void announce(String name) {
        if (!silent.contains(name)) {
            publisher.publish(EventType.NODES, announcement(name));
        }
    }

    private NodeAnnounced announcement(String name) {
        return NodeAnnounced.newBuilder()
                .setNode(name)
                .setDataAddress("127.0.0.1:1")
                .setFreeBytes(freeBytes.get(name))
                .setAvailableBytes(freeBytes.get(name))
                .setMemoryBytes(freeBytes.get(name))
                .setAnnouncedUnixMillis(System.currentTimeMillis())
                .build();
    }

    private void requested(Event<MigrationRequested> event) {
        MigrationRequested request = event.data();
        if (!request.getWorkload().isEmpty()) {
            asked.computeIfAbsent(request.getWorkload(), w -> new ArrayList<>()).add(event.header().id());
            work.schedule(() -> move(event.header().id(), request), moveMillis, TimeUnit.MILLISECONDS);
        }
    }

    private void move(String id, MigrationRequested request) {
        String code = refusedBy.get(request.getDestination());
        if (code != null) {
            publisher.migrationFailed(MigrationFailed.newBuilder()
                    .setWorkload(request.getWorkload())
                    .setMigration(id)
                    .setNode(request.getNode())
                    .setStep("last-rounds")
                    .setCode(code)
                    .setReason("pretended")
                    .setTruth(Truth.RUNNING_AT_SOURCE)
                    .build());
            return;
        }
        WorkloadId w = new WorkloadId(request.getWorkload());
        NodeId from = new NodeId(request.getNode());
        NodeId to = new NodeId(request.getDestination());
        register.append(w, HandoffRecords.offer(w, register.current(w).term() + 1, from, to, DIGEST, id), LIMIT);
        register.append(w, HandoffRecords.take(w, register.current(w), to), LIMIT);
        register.append(w, HandoffRecords.running(w, register.current(w), to), LIMIT);
        publisher.restored(Restored.newBuilder()
                .setWorkload(w.value())
                .setMigration(id)
                .setFrom(from.value())
                .setTo(to.value())
                .build());
    }

    @Override
    public void close() {
        requests.close();
        work.shutdownNow();
        register.close();
    }
}
