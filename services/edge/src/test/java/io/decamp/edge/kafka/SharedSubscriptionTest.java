package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static io.decamp.edge.kafka.BusFixture.request;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.event.EventType;
import io.decamp.testkit.KafkaBroker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SharedSubscriptionTest {
    private static final List<String> KEYS =
            IntStream.range(0, 40).mapToObj(i -> "runc:w" + i).toList();

    private static KafkaBroker broker;

    @BeforeAll
    static void startBroker() {
        broker = KafkaBroker.start();
        new TopicAdmin(BusFixture.bus(broker.bootstrap(), BusFixture.ALPHA)).ensure(LIMIT);
    }

    @AfterAll
    static void stopBroker() {
        broker.close();
    }

    @Test
    void shouldGiveEachKeyToOneMemberAndAllToTheOneThatIsLeft() {
        Bus one = BusFixture.bus(broker.bootstrap(), BusFixture.ALPHA);
        Bus other = BusFixture.bus(broker.bootstrap(), BusFixture.BETA);
        List<String> byFirst = new CopyOnWriteArrayList<>();
        List<String> bySecond = new CopyOnWriteArrayList<>();
        try (EventPublisher publisher = new EventPublisher(one);
                EventConsumer first = EventConsumer.start(one, subscription(byFirst), publisher)) {
            await("the first to hold all").atMost(LIMIT).until(() -> held(first) == KEYS.size());
            try (EventConsumer second = EventConsumer.start(other, subscription(bySecond), publisher)) {
                await("both to share")
                        .atMost(LIMIT)
                        .until(() -> held(second) > 0 && held(first) + held(second) == KEYS.size());
                KEYS.forEach(key -> publisher.send(EventType.MIGRATION_REQUESTED, request(key), LIMIT));
                await("all to be read")
                        .atMost(LIMIT)
                        .until(() -> byFirst.size() + bySecond.size() >= KEYS.size());
                assertTrue(KEYS.stream().allMatch(key -> byFirst.contains(key) == holds(first, key)), "kept by key");
                assertEquals(KEYS.size(), byFirst.size() + bySecond.size());
            }

            await("the first to hold all again").atMost(LIMIT).until(() -> held(first) == KEYS.size());
        }
    }

    private static Subscription subscription(List<String> read) {
        return Subscription.shared("shared", "decamp-test-shared", Duration.ofMinutes(1))
                .on(EventType.MIGRATION_REQUESTED, e -> read.add(e.data().getWorkload()));
    }

    private static long held(EventConsumer member) {
        return KEYS.stream().filter(key -> holds(member, key)).count();
    }

    private static boolean holds(EventConsumer member, String key) {
        return member.holds(EventType.MIGRATION_REQUESTED, key);
    }
}
