package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static io.decamp.edge.kafka.BusFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.testkit.Await;
import io.decamp.testkit.BrokerProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeadBrokerTest {
    @Test
    void shouldGoOnWithNothingLostWhenTheBrokerComesBack(@TempDir Path directory) {
        Set<String> seen = ConcurrentHashMap.newKeySet();
        try (BrokerProcess broker = BrokerProcess.start(directory)) {
            Bus bus = BusFixture.bus(broker.bootstrap(), ALPHA);
            new TopicAdmin(bus).ensure(LIMIT);
            Subscription requests = Subscription.group("test", "decamp-alpha", Duration.ofHours(1))
                    .on(
                            EventType.MIGRATION_REQUESTED,
                            event -> seen.add(event.data().getWorkload()));
            try (EventPublisher publisher = new EventPublisher(bus);
                    EventConsumer consumer = EventConsumer.start(bus, requests, publisher)) {
                consumer.awaitReady(LIMIT);
                publisher.send(EventType.MIGRATION_REQUESTED, request("runc:before"), LIMIT);
                Await.until("the first event", LIMIT, () -> seen.contains("runc:before"));
                broker.kill();
                for (int i = 0; i < 50; i++) {
                    publisher.publish(EventType.MIGRATION_REQUESTED, request("runc:dead-" + i));
                }

                broker.start();

                Await.until("all events", LIMIT, () -> seen.size() == 51);
                assertEquals(0, publisher.dropped());
                Await.until("all acknowledgements", LIMIT, () -> publisher.pending() == 0);
            }
        }
    }

    @Test
    void shouldStartBeforeTheBrokerDoes(@TempDir Path directory) {
        Set<String> seen = ConcurrentHashMap.newKeySet();
        try (BrokerProcess broker = BrokerProcess.start(directory)) {
            Bus bus = BusFixture.bus(broker.bootstrap(), ALPHA);
            new TopicAdmin(bus).ensure(LIMIT);
            broker.kill();
            Subscription requests = Subscription.fromBeginning("test")
                    .on(
                            EventType.MIGRATION_REQUESTED,
                            event -> seen.add(event.data().getWorkload()));
            try (EventPublisher publisher = new EventPublisher(bus);
                    EventConsumer consumer = EventConsumer.start(bus, requests, publisher)) {
                publisher.publish(EventType.MIGRATION_REQUESTED, request("runc:early"));

                broker.start();

                Await.until("the event", LIMIT, () -> seen.contains("runc:early"));
                assertTrue(consumer.isReady());
            }
        }
    }

    @Test
    void shouldDropAndCountRatherThanWaitWithoutABroker() {
        Bus bus = BusFixture.bus("127.0.0.1:1", ALPHA);
        try (EventPublisher publisher = new EventPublisher(bus)) {
            for (int i = 0; i < PublishQueue.CAPACITY; i++) {
                publisher.pagesDirty(
                        PagesDirty.newBuilder().setWorkload("runc:a").build());
            }
            long dropped = publisher.dropped();

            publisher.publish(EventType.MIGRATION_REQUESTED, request("runc:kept"));

            assertEquals(PublishQueue.CAPACITY - PublishQueue.EXPENDABLE_CAPACITY, dropped);
            assertEquals(dropped, publisher.dropped());
            assertEquals(PublishQueue.EXPENDABLE_CAPACITY + 1, publisher.pending());
        }
    }

    @Test
    void shouldSayThatNoBrokerAnswers() {
        Bus bus = BusFixture.bus("127.0.0.1:1", ALPHA);
        try (EventPublisher publisher = new EventPublisher(bus)) {
            DecampException failure = assertThrows(
                    DecampException.class,
                    () -> publisher.send(
                            EventType.MIGRATION_REQUESTED, request("runc:nowhere"), Duration.ofMillis(100)));

            assertEquals("broker-unreachable", failure.code());
            assertTrue(failure.advice().contains("127.0.0.1:1"), failure::advice);
        }
    }

    @Test
    void shouldSayThatTopicsCanNotBeSetUp() {
        TopicAdmin admin = new TopicAdmin(BusFixture.bus("127.0.0.1:1", ALPHA));

        DecampException failure = assertThrows(DecampException.class, () -> admin.ensure(Duration.ofMillis(200)));

        assertEquals("broker-unreachable", failure.code());
    }
}
