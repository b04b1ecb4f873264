package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static io.decamp.edge.kafka.BusFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.testkit.Await;
import io.decamp.testkit.KafkaBroker;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EventConsumerTest {
    private KafkaBroker broker;
    private Bus bus;
    private EventPublisher publisher;
    private final BlockingQueue<Event<MigrationRequested>> events = new LinkedBlockingQueue<>();

    @BeforeEach
    void start() {
        broker = KafkaBroker.start();
        bus = BusFixture.bus(broker.bootstrap(), ALPHA);
        new TopicAdmin(bus).ensure(LIMIT);
        publisher = new EventPublisher(bus);
    }

    @AfterEach
    void stop() {
        publisher.close();
        broker.close();
    }

    @Test
    void shouldHandOverWhatIsPublishedAfterItIsReady() throws InterruptedException {
        try (EventConsumer consumer = reading(Subscription.fromEnd("test"))) {
            var header = publisher.send(EventType.MIGRATION_REQUESTED, request("runc:a"), LIMIT);

            Event<MigrationRequested> event = next();

            assertEquals(request("runc:a"), event.data());
            assertEquals(header, event.header());
            assertEquals("/nodes/alpha", event.header().source());
            assertTrue(consumer.isReady());
        }
    }

    @Test
    void shouldReadALineOfAConsoleProducer() throws Exception {
        try (EventConsumer consumer = reading(Subscription.fromEnd("test"));
                RawProducer raw = new RawProducer(broker.bootstrap())) {
            raw.write(Topics.MIGRATION_REQUESTED, null, json("runc:json"), Map.of());

            assertEquals("runc:json", next().data().getWorkload());
            assertTrue(consumer.isReady());
        }
    }

    @Test
    void shouldHandleAnEventOnceWhenItWasWrittenTwice() throws Exception {
        Map<String, String> headers = Map.of("content-type", "application/json", "ce_id", "1", "ce_source", "/m");
        try (EventConsumer consumer = reading(Subscription.fromEnd("test"));
                RawProducer raw = new RawProducer(broker.bootstrap())) {
            raw.write(Topics.MIGRATION_REQUESTED, "k", json("runc:twice"), headers);
            raw.write(Topics.MIGRATION_REQUESTED, "k", json("runc:twice"), headers);
            raw.write(Topics.MIGRATION_REQUESTED, "k", json("runc:after"), Map.of());

            assertEquals("runc:twice", next().data().getWorkload());
            assertEquals("runc:after", next().data().getWorkload());
            assertTrue(events.isEmpty());
            assertTrue(consumer.isReady());
        }
    }

    @Test
    void shouldPutABrokenRecordAsideWithTheReasonAndGoOn() throws Exception {
        byte[] noise = "noise".getBytes(StandardCharsets.UTF_8);
        try (EventConsumer consumer = reading(Subscription.fromEnd("test"));
                RawProducer raw = new RawProducer(broker.bootstrap())) {
            raw.write(Topics.MIGRATION_REQUESTED, "k", noise, Map.of("ce_id", "7"));
            raw.write(Topics.MIGRATION_REQUESTED, "k", json("runc:behind"), Map.of());

            assertEquals("runc:behind", next().data().getWorkload());

            ConsumerRecord<String, byte[]> letter = deadLetter();
            assertEquals("noise", new String(letter.value(), StandardCharsets.UTF_8));
            assertEquals("7", header(letter, "ce_id"));
            assertEquals("event-malformed", header(letter, "decamp-dead-code"));
            assertTrue(header(letter, "decamp-dead-reason").contains("ce_specversion"));
            assertTrue(header(letter, "decamp-dead-place").startsWith(Topics.MIGRATION_REQUESTED + "-"));
            assertEquals("/nodes/alpha/test", header(letter, "decamp-dead-by"));
            assertTrue(consumer.isReady());
        }
    }

    @Test
    void shouldTryAgainWhatMayWorkLater() throws InterruptedException {
        AtomicInteger attempts = new AtomicInteger();
        Subscription flaky = Subscription.fromEnd("test").on(EventType.MIGRATION_REQUESTED, event -> {
            if (attempts.incrementAndGet() < 3) {
                throw DecampException.retry("busy", "Not yet", "Wait", null);
            }
            events.add(event);
        });
        try (EventConsumer consumer = EventConsumer.start(bus, flaky, publisher)) {
            consumer.awaitReady(LIMIT);

            publisher.send(EventType.MIGRATION_REQUESTED, request("runc:flaky"), LIMIT);

            assertEquals("runc:flaky", next().data().getWorkload());
            assertEquals(3, attempts.get());
        }
    }

    @Test
    void shouldPutAsideWhatAHandlerCanNotDo() throws InterruptedException {
        Subscription refusing = Subscription.fromEnd("test").on(EventType.MIGRATION_REQUESTED, event -> {
            if (event.data().getWorkload().equals("runc:bad")) {
                throw new IllegalStateException("defect");
            }
            events.add(event);
        });
        try (EventConsumer consumer = EventConsumer.start(bus, refusing, publisher)) {
            consumer.awaitReady(LIMIT);

            publisher.send(EventType.MIGRATION_REQUESTED, request("runc:bad"), LIMIT);
            publisher.send(EventType.MIGRATION_REQUESTED, request("runc:good"), LIMIT);

            assertEquals("runc:good", next().data().getWorkload());
            assertEquals("handler-failed", header(deadLetter(), "decamp-dead-code"));
        }
    }

    @Test
    void shouldGoOnWhereTheGroupHasStopped() throws InterruptedException {
        Subscription group = Subscription.group("test", "decamp-alpha", Duration.ofHours(1));
        publisher.send(EventType.MIGRATION_REQUESTED, request("runc:before"), LIMIT);
        try (EventConsumer first = reading(group)) {
            assertEquals("runc:before", next().data().getWorkload());
            assertTrue(first.isReady());
        }
        publisher.send(EventType.MIGRATION_REQUESTED, request("runc:while-away"), LIMIT);

        try (EventConsumer second = reading(group)) {
            assertEquals("runc:while-away", next().data().getWorkload());
            publisher.send(EventType.MIGRATION_REQUESTED, request("runc:while-away-2"), LIMIT);
            assertEquals("runc:while-away-2", next().data().getWorkload());
            Await.until("the last one to be handled", LIMIT, () -> second.handled() == 2);
        }
    }

    @Test
    void shouldPassAnEventOnWithinMilliseconds() throws InterruptedException {
        try (EventConsumer consumer = reading(Subscription.fromEnd("test"))) {
            int warmUp = 100;
            long[] micros = new long[200];
            for (int i = -warmUp; i < micros.length; i++) {
                long begin = System.nanoTime();
                publisher.publish(EventType.MIGRATION_REQUESTED, request("runc:t" + (i + warmUp)));
                next();
                if (i >= 0) {
                    micros[i] = (System.nanoTime() - begin) / 1_000;
                }
            }

            Arrays.sort(micros);
            long median = micros[micros.length / 2];

            System.out.printf("publish to consume: p50 %d us, p99 %d us%n", median, micros[micros.length * 99 / 100]);
            assertTrue(median < 50_000, "median " + median + " us");
            assertTrue(consumer.isReady());
        }
    }

    private EventConsumer reading(Subscription subscription) {
        EventConsumer consumer =
                EventConsumer.start(bus, subscription.on(EventType.MIGRATION_REQUESTED, events::add), publisher);
        consumer.awaitReady(LIMIT);
        return consumer;
    }

    private Event<MigrationRequested> next() throws InterruptedException {
        Event<MigrationRequested> event = events.poll(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        assertNotNull(event, "no event");
        return event;
    }

    private ConsumerRecord<String, byte[]> deadLetter() {
        try (Consumer<String, byte[]> consumer = bus.settings().consumer("letters", null, "earliest")) {
            consumer.assign(Partitions.of(consumer, Set.of(Topics.DEAD_LETTER)));
            var records = consumer.poll(LIMIT);
            assertEquals(1, records.count());
            return records.iterator().next();
        }
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        Map<String, String> headers = new HashMap<>();
        record.headers().forEach(h -> headers.put(h.key(), new String(h.value(), StandardCharsets.UTF_8)));
        return headers.get(name);
    }

    private static byte[] json(String workload) {
        return ("{\"workload\":\"" + workload + "\",\"node\":\"alpha\"}").getBytes(StandardCharsets.UTF_8);
    }
}
