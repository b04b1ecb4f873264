package io.decamp.coordinator.edge;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.coordinator.engine.CoordinatorLimits;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.kafka.TopicAdmin;
import io.decamp.testkit.BrokerProcess;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A coordinator on a real broker; the nodes are pretended, the register is not. */
class EvacuationOnKafkaTest {
    private static final Duration LIMIT = Duration.ofSeconds(40);
    private static final long GIB = 1L << 30;
    private static final int REQUEST_PARTITIONS = 4;

    @TempDir
    Path directory;

    private BrokerProcess broker;
    private Bus bus;
    private EventPublisher publisher;
    private CompactedView<Evacuation> evacuations;
    private EventConsumer answers;
    private final Map<String, MigrationFailed> failures = new ConcurrentHashMap<>();

    @BeforeEach
    void startBroker() {
        broker = BrokerProcess.start(directory);
        bus = Bus.of(KafkaSettings.of(broker.bootstrap()), "test", OpenTelemetry.noop());
        new TopicAdmin(bus).ensure(LIMIT);
        publisher = new EventPublisher(bus);
        evacuations = CompactedView.start(bus, EventType.EVACUATIONS);
        answers = EventConsumer.start(
                bus,
                Subscription.fromEnd("answers")
                        .on(EventType.MIGRATION_FAILED, e -> failures.put(e.data().getMigration(), e.data())),
                publisher);
        answers.awaitReady(LIMIT);
    }

    @AfterEach
    void stopBroker() {
        answers.close();
        evacuations.close();
        publisher.close();
        broker.close();
    }

    @Test
    void shouldEmptyNodesAndAskEachWorkloadOnceWhenACoordinatorIsKilledInTheMiddle() {
        List<String> sources = oneNodePerPartition();
        Map<String, List<WorkloadId>> workloads = new LinkedHashMap<>();
        try (PretendedNodes nodes = new PretendedNodes(bus, publisher, 700)) {
            nodes.node("target", 64 * GIB);
            for (String source : sources) {
                nodes.node(source, GIB);
                List<WorkloadId> mine = new ArrayList<>();
                for (int i = 0; i < 6; i++) {
                    mine.add(nodes.workload("runc:" + source + "-" + i, source, "target", GIB / 4));
                }
                workloads.put(source, mine);
            }
            try (CoordinatorProcess doomed = CoordinatorProcess.start(broker.bootstrap());
                    CoordinatorProcess _ = CoordinatorProcess.start(broker.bootstrap())) {
                List<String> ids = sources.stream().map(node -> request(node, b -> b)).toList();
                await("the middle of it").atMost(LIMIT).until(() -> sources.stream()
                        .allMatch(s -> nodes.moved(workloads.get(s), s) >= 1));
                doomed.kill();

                await("all to be empty").atMost(LIMIT).until(() -> ids.stream().allMatch(this::isDone));

                for (String source : sources) {
                    assertEquals(6, nodes.moved(workloads.get(source), source), source);
                    workloads.get(source).forEach(w -> assertEquals(1, nodes.asked(w.value()).size(), w.value()));
                }
                ids.forEach(id -> assertTrue(
                        evacuations.get(id).orElseThrow().getItemsList().stream()
                                .allMatch(i -> i.getState() == EvacuationItem.State.MOVED),
                        () -> evacuations.get(id).toString()));
            }
        }
    }

    @Test
    void shouldTryAnotherNodeWhenOneFailsAndSayWhoStaysAndWhy() {
        try (PretendedNodes nodes = new PretendedNodes(bus, publisher, 50)) {
            nodes.node("alpha", GIB);
            nodes.node("beta", 8 * GIB);
            nodes.node("gamma", 4 * GIB);
            WorkloadId small = nodes.workload("runc:small", "alpha", "beta", GIB);
            WorkloadId huge = nodes.workload("runc:huge", "alpha", "beta", 100 * GIB);
            nodes.refuse("beta", "destination-unreachable");
            try (KafkaCoordinator _ = coordinator()) {
                String id = request("alpha", b -> b);

                Evacuation end = awaitDone(id);

                assertEquals("gamma", nodes.owner(small));
                assertEquals("alpha", nodes.owner(huge));
                assertEquals(EvacuationItem.State.MOVED, item(end, small).getState());
                assertEquals(EvacuationItem.State.LEFT, item(end, huge).getState());
                assertTrue(item(end, huge).getReason().contains("no node has room"), end.toString());
                assertTrue(end.getSummary().contains("1 of 2"), end.getSummary());
            }
        }
    }

    @Test
    void shouldLeaveBehindWhatTheDeadlineCameBefore() {
        try (PretendedNodes nodes = new PretendedNodes(bus, publisher, 900)) {
            nodes.node("alpha", GIB);
            nodes.node("beta", 8 * GIB);
            List<WorkloadId> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                all.add(nodes.workload("runc:w" + i, "alpha", "beta", GIB / 8));
            }
            try (KafkaCoordinator _ = coordinator()) {
                awaitDone(request("beta", b -> b));

                String id = request("alpha", b -> b.setDeadlineUnixMillis(System.currentTimeMillis() + 2_500));

                Evacuation end = awaitDone(id);

                long left = end.getItemsList().stream()
                        .filter(i -> i.getState() == EvacuationItem.State.LEFT)
                        .count();
                assertTrue(left > 0 && left < 8, end.toString());
                assertEquals(8 - left, nodes.moved(all, "alpha"));
            }
        }
    }

    @Test
    void shouldRefuseWhatCanNotBeMeantAndAnswerForANodeWithNothing() {
        try (PretendedNodes nodes = new PretendedNodes(bus, publisher, 50)) {
            nodes.node("alpha", GIB);
            try (KafkaCoordinator _ = coordinator()) {
                String unknown = request("nowhere", b -> b);
                String past = request("alpha", b -> b.setDeadlineUnixMillis(System.currentTimeMillis() - 1));
                String late = request("alpha", b -> b.setValidUntilUnixMillis(System.currentTimeMillis() - 1));
                String absent = request("alpha", b -> b.setDestination("nowhere"));
                String dry = request("alpha", b -> b.setDryRun(true));

                await("answers").atMost(LIMIT).until(() -> failures.size() >= 5);
                assertEquals("unknown-node", failures.get(unknown).getCode());
                assertEquals("deadline-passed", failures.get(past).getCode());
                assertEquals("request-expired", failures.get(late).getCode());
                assertEquals("destination-unknown", failures.get(absent).getCode());
                assertEquals("dry-run-of-a-node", failures.get(dry).getCode());
                Evacuation nothing = awaitDone(request("alpha", b -> b));
                assertTrue(nothing.getSummary().contains("nothing to move"), nothing.getSummary());
            }
        }
    }

    @Test
    void shouldFindAStandbyForWhatHasNoneAndAnotherWhenItFallsSilent() {
        CoordinatorLimits hasty = new CoordinatorLimits(
                2, Duration.ofSeconds(2), Duration.ofSeconds(4), Duration.ofSeconds(30), 3, Duration.ofSeconds(60));
        try (PretendedNodes nodes = new PretendedNodes(bus, publisher, 50);
                CompactedView<WorkloadSpec> specs = CompactedView.start(bus, EventType.WORKLOADS)) {
            nodes.node("alpha", 64 * GIB);
            nodes.node("beta", 8 * GIB);
            nodes.node("gamma", 4 * GIB);
            nodes.workload("runc:lonely", "alpha", "", GIB);
            try (KafkaCoordinator _ = CoordinatorProcess.coordinator(bus, publisher, hasty)) {
                await("a standby").atMost(LIMIT).until(() -> nodesOf(specs).equals(List.of("alpha", "beta")));

                nodes.silence("beta");

                await("another").atMost(LIMIT).until(() -> nodesOf(specs).equals(List.of("alpha", "gamma")));
            }
        }
    }

    @Test
    void shouldForgetWhatWasDoneLongAgo() {
        Evacuation old = Evacuation.newBuilder()
                .setEvacuation("old")
                .setNode("alpha")
                .setRequestedUnixMillis(System.currentTimeMillis() - Duration.ofDays(8).toMillis())
                .setDone(true)
                .build();
        Evacuation recent = old.toBuilder()
                .setEvacuation("recent")
                .setRequestedUnixMillis(System.currentTimeMillis())
                .build();
        publisher.send(EventType.EVACUATIONS, old, LIMIT);
        publisher.send(EventType.EVACUATIONS, recent, LIMIT);
        await("both").atMost(LIMIT).until(() -> isDone("old") && isDone("recent"));
        try (KafkaCoordinator _ = coordinator()) {
            await("the old one to go").atMost(LIMIT).until(() -> !isDone("old"));

            assertTrue(isDone("recent"));
        }
    }

    private static List<String> nodesOf(CompactedView<WorkloadSpec> specs) {
        return specs.get("runc:lonely").map(s -> List.copyOf(s.getNodesList())).orElse(List.of());
    }

    private KafkaCoordinator coordinator() {
        return CoordinatorProcess.coordinator(bus, publisher, CoordinatorLimits.DEFAULT);
    }

    private String request(String node, UnaryOperator<MigrationRequested.Builder> more) {
        MigrationRequested.Builder request =
                MigrationRequested.newBuilder().setNode(node).setReason(Reason.MAINTENANCE);
        return publisher
                .send(EventType.MIGRATION_REQUESTED, more.apply(request).build(), LIMIT)
                .id();
    }

    private boolean isDone(String id) {
        return evacuations.get(id).filter(Evacuation::getDone).isPresent();
    }

    private Evacuation awaitDone(String id) {
        await("the end of evacuation " + id).atMost(LIMIT).until(() -> isDone(id));
        return evacuations.get(id).orElseThrow();
    }

    private static EvacuationItem item(Evacuation evacuation, WorkloadId workload) {
        return evacuation.getItemsList().stream()
                .filter(i -> i.getWorkload().equals(workload.value()))
                .findFirst()
                .orElseThrow();
    }

    /** So that whichever coordinator is killed had a node to empty. */
    private static List<String> oneNodePerPartition() {
        String[] names = new String[REQUEST_PARTITIONS];
        for (int i = 0; hasGap(names); i++) {
            String name = "source" + i;
            int hash = Utils.toPositive(Utils.murmur2(name.getBytes(StandardCharsets.UTF_8)));
            names[hash % REQUEST_PARTITIONS] = name;
        }
        return List.of(names);
    }

    private static boolean hasGap(String[] names) {
        for (String name : names) {
            if (name == null) {
                return true;
            }
        }
        return false;
    }
}
