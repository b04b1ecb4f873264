package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.BETA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.Await;
import io.decamp.testkit.BrokerProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaRegisterCrashTest {
    private static final Duration APPEND = Duration.ofMillis(500);

    private final Set<WorkloadId> readBack = ConcurrentHashMap.newKeySet();
    private final Set<WorkloadId> uncertain = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean enough = new AtomicBoolean();

    @Test
    void shouldKeepWhatItReadBackWhenTheBrokerIsKilledDuringAppends(@TempDir Path directory) throws Exception {
        try (BrokerProcess broker = BrokerProcess.start(directory);
                ExecutorService pool = Executors.newSingleThreadExecutor()) {
            new TopicAdmin(BusFixture.bus(broker.bootstrap(), ALPHA)).ensure(LIMIT);
            try (KafkaRegister alpha = new KafkaRegister(BusFixture.bus(broker.bootstrap(), ALPHA))) {
                alpha.start();
                alpha.awaitCaughtUp(LIMIT);
                Future<?> writer = pool.submit(() -> appendUntilEnough(alpha));
                Await.until("appends", LIMIT, () -> readBack.size() > 20);

                broker.kill();

                Await.until("an append that fails", LIMIT, () -> !uncertain.isEmpty());
                int before = readBack.size();
                long begin = System.nanoTime();
                broker.start();
                Await.until("appends after the restart", LIMIT, () -> readBack.size() > before + 20);
                System.out.printf(
                        "killed broker: appends again after %d ms%n", (System.nanoTime() - begin) / 1_000_000);
                enough.set(true);
                writer.get(30, TimeUnit.SECONDS);
                assertAgreement(alpha, broker);
            }
        }
    }

    private void assertAgreement(KafkaRegister alpha, BrokerProcess broker) {
        try (KafkaRegister beta = new KafkaRegister(BusFixture.bus(broker.bootstrap(), BETA))) {
            beta.start();
            beta.awaitCaughtUp(LIMIT);
            WorkloadId last = new WorkloadId("runc:last");
            alpha.append(last, HandoffRecords.barrier(last, ALPHA), LIMIT);
            beta.append(last, HandoffRecords.barrier(last, BETA), LIMIT);
            alpha.append(last, HandoffRecords.barrier(last, ALPHA), LIMIT);
            Map<WorkloadId, HandoffState> states = beta.states();
            assertEquals(alpha.states(), states);
            for (WorkloadId workload : readBack) {
                assertEquals(new Owned(ALPHA, 1), states.get(workload), workload::toString);
            }
            assertFalse(readBack.isEmpty());
            assertTrue(states.size() <= readBack.size() + uncertain.size() + 1);
        }
    }

    private void appendUntilEnough(KafkaRegister register) {
        for (int i = 0; !enough.get(); i++) {
            WorkloadId workload = new WorkloadId("runc:w" + i);
            try {
                register.append(workload, HandoffRecords.claim(workload, 1, ALPHA), APPEND);
                readBack.add(workload);
            } catch (DecampException e) {
                assertEquals("register-unreachable", e.code(), e::getMessage);
                uncertain.add(workload);
            }
        }
    }
}
