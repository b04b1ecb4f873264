package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static io.decamp.edge.kafka.BusFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.testkit.BrokerProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectPublisherTest {
    private static final Duration SOON = Duration.ofSeconds(2);

    @Test
    void shouldNotSendLaterWhatItGaveUp(@TempDir Path directory) {
        try (BrokerProcess broker = BrokerProcess.start(directory)) {
            Bus bus = BusFixture.bus(broker.bootstrap(), ALPHA);
            new TopicAdmin(bus).ensure(LIMIT);
            try (DirectPublisher publisher = new DirectPublisher(bus, SOON)) {
                publisher.send(EventType.MIGRATION_REQUESTED, "first", request("runc:a")).join();
                broker.kill();
                CompletableFuture<Void> inVain =
                        publisher.send(EventType.MIGRATION_REQUESTED, "given-up", request("runc:a"));
                CompletionException failure = assertThrows(CompletionException.class, inVain::join);
                assertEquals("broker-unreachable", assertInstanceOf(DecampException.class, failure.getCause()).code());
                broker.start();

                publisher.send(EventType.MIGRATION_REQUESTED, "last", request("runc:a")).join();

                assertEquals(List.of("first", "last"), idsOnTheTopic(bus));
            }
        }
    }

    @Test
    void shouldBeOneEventToReadersWhatIsSaidTwice(@TempDir Path directory) {
        try (BrokerProcess broker = BrokerProcess.start(directory)) {
            Bus bus = BusFixture.bus(broker.bootstrap(), ALPHA);
            new TopicAdmin(bus).ensure(LIMIT);
            try (DirectPublisher publisher = new DirectPublisher(bus, LIMIT)) {
                publisher.send(EventType.MIGRATION_REQUESTED, "same", request("runc:a")).join();

                publisher.send(EventType.MIGRATION_REQUESTED, "same", request("runc:a")).join();

                assertEquals(List.of("same"), idsOnTheTopic(bus));
            }
        }
    }

    @Test
    void shouldSayWithinItsLimitThatNoBrokerAnswers() {
        try (DirectPublisher publisher = new DirectPublisher(BusFixture.bus("127.0.0.1:1", ALPHA), SOON)) {
            long begin = System.nanoTime();

            CompletableFuture<Void> inVain = publisher.send(EventType.MIGRATION_REQUESTED, "x", request("runc:a"));

            assertThrows(CompletionException.class, inVain::join);
            long tookMillis = (System.nanoTime() - begin) / 1_000_000;
            assertTrue(tookMillis < 2 * SOON.toMillis(), () -> "took " + tookMillis + " ms");
        }
    }

    private static List<String> idsOnTheTopic(Bus bus) {
        List<String> ids = new CopyOnWriteArrayList<>();
        Subscription all = Subscription.fromBeginning("all")
                .on(EventType.MIGRATION_REQUESTED, event -> ids.add(event.header().id()));
        try (EventConsumer consumer = EventConsumer.observe(bus, all)) {
            consumer.awaitCaughtUp(LIMIT);
            return List.copyOf(ids);
        }
    }
}
