package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.KafkaBroker;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Records that make the fold untrustworthy stop it; records that are merely broken count for nothing. */
class KafkaRegisterDamageTest {
    private static final WorkloadId WORKLOAD = new WorkloadId("runc:redis");

    private KafkaBroker broker;
    private KafkaRegister register;

    @BeforeEach
    void start() {
        broker = KafkaBroker.start();
        new TopicAdmin(BusFixture.bus(broker.bootstrap(), ALPHA)).ensure(LIMIT);
        register = newRegister();
        register.append(WORKLOAD, HandoffRecords.claim(WORKLOAD, 1, ALPHA), LIMIT);
    }

    @AfterEach
    void stop() {
        register.close();
        broker.close();
    }

    @Test
    void shouldStopForGoodOnARecordOfAFutureVersion() throws Exception {
        Map<String, String> future = Map.of(
                "ce_specversion", "1.0",
                "ce_id", "1",
                "ce_source", "/nodes/future",
                "ce_time", "2030-01-01T00:00:00Z",
                "ce_type", "io.decamp.handoff.v2",
                "content-type", "application/protobuf");
        try (RawProducer raw = new RawProducer(broker.bootstrap())) {
            raw.write(Topics.HANDOFF, WORKLOAD.value(), new byte[] {1}, future);
        }

        DecampException failure =
                assertThrows(DecampException.class, () -> register.await(WORKLOAD, state -> state.term() == 2, LIMIT));

        assertEquals("register-version-unknown", failure.code());
        assertEquals(Category.FATAL, failure.category());
        assertEquals(
                "register-version-unknown",
                assertThrows(DecampException.class, () -> register.current(WORKLOAD))
                        .code());
    }

    @Test
    void shouldPassOverABrokenRecordAsEveryNodeDoes() throws Exception {
        try (RawProducer raw = new RawProducer(broker.bootstrap())) {
            raw.write(Topics.HANDOFF, WORKLOAD.value(), "noise".getBytes(StandardCharsets.UTF_8), Map.of());
        }

        var state = register.append(WORKLOAD, HandoffRecords.claim(WORKLOAD, 2, ALPHA), LIMIT);

        assertEquals(new Owned(ALPHA, 2), state);
    }

    @Test
    void shouldRefuseToFoldWhatHasLostItsBeginning() throws Exception {
        register.append(WORKLOAD, HandoffRecords.claim(WORKLOAD, 2, ALPHA), LIMIT);
        try (Admin admin = Admin.create(KafkaSettings.of(broker.bootstrap()).common("test"))) {
            admin.deleteRecords(Map.of(new TopicPartition(Topics.HANDOFF, 0), RecordsToDelete.beforeOffset(1)))
                    .all()
                    .get(30, TimeUnit.SECONDS);
        }

        try (KafkaRegister fresh = new KafkaRegister(BusFixture.bus(broker.bootstrap(), ALPHA))) {
            fresh.start();
            DecampException failure = assertThrows(DecampException.class, () -> fresh.awaitCaughtUp(LIMIT));

            assertEquals("register-incomplete", failure.code());
            assertEquals(Category.FATAL, failure.category());
        }
    }

    private KafkaRegister newRegister() {
        KafkaRegister fresh = new KafkaRegister(BusFixture.bus(broker.bootstrap(), ALPHA));
        fresh.start();
        fresh.awaitCaughtUp(LIMIT);
        return fresh;
    }
}
