package io.decamp.cli;

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
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.kafka.TopicAdmin;
import io.decamp.testkit.BrokerProcess;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Two nodes as the topics see them, on a real broker: they announce, own, report epochs, and answer requests at once.
 */
final class FakeFleet implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(30);
    private static final long MIB = 1L << 20;

    private final BrokerProcess broker;
    private final Bus bus;
    private final EventPublisher publisher;
    private final KafkaRegister register;
    private final EventConsumer nodes;
    private final List<MigrationRequested> asked = new CopyOnWriteArrayList<>();
    private final Set<String> failing = ConcurrentHashMap.newKeySet();

    FakeFleet(Path directory) {
        broker = BrokerProcess.start(directory.resolve("kafka"));
        bus = Bus.ofNode(KafkaSettings.of(broker.bootstrap()), new NodeId("alpha"), OpenTelemetry.noop());
        new TopicAdmin(bus).ensure(LIMIT);
        publisher = new EventPublisher(bus);
        register = new KafkaRegister(bus);
        register.start();
        register.awaitCaughtUp(LIMIT);
        nodes = EventConsumer.start(
                bus, Subscription.fromEnd("nodes").on(EventType.MIGRATION_REQUESTED, this::requested), publisher);
        nodes.awaitReady(LIMIT);
        announce("alpha");
        announce("beta");
    }

    String bootstrap() {
        return broker.bootstrap();
    }

    void announce(String node) {
        publisher.send(
                EventType.NODES,
                NodeAnnounced.newBuilder()
                        .setNode(node)
                        .setMemoryBytes(4096 * MIB)
                        .setAvailableBytes(3072 * MIB)
                        .setFreeBytes(2048 * MIB)
                        .setAnnouncedUnixMillis(System.currentTimeMillis())
                        .build(),
                LIMIT);
    }

    /** A workload on alpha, shipped to beta. */
    void protect(String workload, long mib) {
        WorkloadId id = new WorkloadId(workload);
        publisher.send(
                EventType.WORKLOADS,
                WorkloadSpec.newBuilder().setWorkload(workload).addNodes("alpha").addNodes("beta").build(),
                LIMIT);
        register.append(id, HandoffRecords.claim(id, register.current(id), new NodeId("alpha")), LIMIT);
        shipped(workload, "alpha", "beta", mib);
    }

    void shipped(String workload, String node, String standby, long mib) {
        publisher.send(
                EventType.PAGES_DIRTY,
                PagesDirty.newBuilder()
                        .setWorkload(workload)
                        .setNode(node)
                        .setStandby(standby)
                        .setTrackedBytes(mib * MIB)
                        .setPredictedEvictionMicros(123_000)
                        .build(),
                LIMIT);
    }

    void ask(String workload) {
        publisher.send(
                EventType.MIGRATION_REQUESTED,
                MigrationRequested.newBuilder().setWorkload(workload).setNode("gamma").build(),
                LIMIT);
    }

    void fail(String workload) {
        failing.add(workload);
    }

    String owner(String workload) {
        return register.current(new WorkloadId(workload)) instanceof HandoffState.Owned owned
                ? owned.node().value()
                : "nobody";
    }

    /** What the fleet was asked for, by re-balancers. */
    List<MigrationRequested> asked() {
        return asked;
    }

    @Override
    public void close() {
        nodes.close();
        register.close();
        publisher.close();
        broker.close();
    }

    private void requested(Event<MigrationRequested> event) {
        MigrationRequested request = event.data();
        if (request.getNode().equals("gamma")) {
            return;
        }
        asked.add(request);
        String migration = event.header().id();
        if (failing.contains(request.getWorkload())) {
            publisher.migrationFailed(MigrationFailed.newBuilder()
                    .setWorkload(request.getWorkload())
                    .setMigration(migration)
                    .setNode(request.getNode())
                    .setStep("prepare")
                    .setCode("destination-full")
                    .setReason("No room")
                    .setAdvice("Make some")
                    .setTruth(Truth.RUNNING_AT_SOURCE)
                    .build());
            return;
        }
        WorkloadId id = new WorkloadId(request.getWorkload());
        NodeId from = new NodeId(request.getNode());
        NodeId to = new NodeId(request.getDestination());
        long term = register.current(id).term() + 1;
        register.append(id, HandoffRecords.offer(id, term, from, to, new Digest(new byte[32]), migration), LIMIT);
        register.append(id, HandoffRecords.take(id, register.current(id), to), LIMIT);
        register.append(id, HandoffRecords.running(id, register.current(id), to), LIMIT);
        publisher.restored(Restored.newBuilder()
                .setWorkload(request.getWorkload())
                .setMigration(migration)
                .setFrom(from.value())
                .setTo(to.value())
                .build());
    }
}
