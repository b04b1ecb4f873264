package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.EvacuationItem.State;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.Reason;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.edge.kafka.TopicAdmin;
import io.decamp.testkit.KafkaBroker;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NodeEvictionTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private static final Evacuation END = Evacuation.newBuilder()
            .setNode("alpha")
            .setDeadlineUnixMillis(5_000)
            .addItems(moved("runc:gone", 1_000, 1_400))
            .addItems(moved("runc:late", 4_900, 5_200))
            .addItems(item("runc:big", State.LEFT).setReason("no node has room"))
            .setSummary("2 of 3 have left alpha; 1 stay")
            .build();

    private static EvacuationItem.Builder item(String workload, State state) {
        return EvacuationItem.newBuilder().setWorkload(workload).setState(state).setPredictedMicros(300_000);
    }

    private static EvacuationItem.Builder moved(String workload, long startedMillis, long endedMillis) {
        return item(workload, State.MOVED)
                .setDestination("beta")
                .setStartedUnixMillis(startedMillis)
                .setEndedUnixMillis(endedMillis);
    }

    @Test
    void shouldSayThatNoCoordinatorAnswered() {
        try (KafkaBroker broker = KafkaBroker.start()) {
            KafkaSettings settings = KafkaSettings.of(broker.bootstrap());
            new TopicAdmin(Bus.of(settings, "test", OpenTelemetry.noop())).ensure(LIMIT);
            try (Session session = Session.open(settings)) {
                var eviction = new NodeEviction(session, System.out, Duration.ofMillis(200));
                var wanted = new NodeEviction.Wanted(new NodeId("alpha"), null, Reason.MANUAL, null);

                DecampException refused = assertThrows(DecampException.class, () -> eviction.follow(wanted, LIMIT));

                assertEquals("no-coordinator", refused.code());
                assertEquals(DecampException.Category.REFUSED, refused.category());
            }
        }
    }

    @Test
    void shouldTellWhoLeftWhoWasLateAndWhoStaysAndWhy() {
        String table = NodeEviction.table(END);

        assertTrue(row(table, "runc:gone").matches(".* moved +beta .* 400 ms *"), table);
        assertTrue(row(table, "runc:late").endsWith("after the deadline"), table);
        assertTrue(row(table, "runc:big").matches(".* left +alpha .*no node has room"), table);
        assertFalse(NodeEviction.allMadeIt(END));
    }

    @Test
    void shouldCountMovesThatAreUnderWayByTheirShare() {
        Evacuation half = Evacuation.newBuilder()
                .addItems(item("runc:a", State.MOVED))
                .addItems(item("runc:b", State.MOVING).setMigration("m"))
                .addItems(item("runc:c", State.PLANNED))
                .addItems(item("runc:d", State.PLANNED))
                .build();
        var progress = MigrationProgress.newBuilder().setMigration("m").setShare(0.5).build();

        assertEquals(0.375, NodeEviction.share(half, Map.of("m", progress)), 1e-9);
        assertEquals(0.25, NodeEviction.share(half, Map.of()), 1e-9);
    }

    private static String row(String table, String workload) {
        return table.lines().filter(l -> l.startsWith(workload)).findFirst().orElseThrow();
    }
}
