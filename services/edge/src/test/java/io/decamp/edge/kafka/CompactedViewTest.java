package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static io.decamp.edge.kafka.BusFixture.node;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.testkit.Await;
import io.decamp.testkit.KafkaBroker;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class CompactedViewTest {
    @Test
    void shouldShowTheLatestGoodMessageOfEachKeyAndTellEveryChange() throws Exception {
        try (KafkaBroker broker = KafkaBroker.start();
                RawProducer raw = new RawProducer(broker.bootstrap())) {
            Bus bus = BusFixture.bus(broker.bootstrap(), ALPHA);
            new TopicAdmin(bus).ensure(LIMIT);
            List<String> told = new CopyOnWriteArrayList<>();
            try (EventPublisher publisher = new EventPublisher(bus)) {
                publisher.send(EventType.NODES, node("alpha", 1), LIMIT);
                publisher.send(EventType.NODES, node("alpha", 2), LIMIT);
                publisher.send(EventType.NODES, node("beta", 1), LIMIT);
                raw.write(Topics.NODES, "beta", "noise".getBytes(StandardCharsets.UTF_8), Map.of());
                try (CompactedView<NodeAnnounced> view = CompactedView.start(bus, EventType.NODES)) {
                    view.awaitCaughtUp(LIMIT);
                    view.onChange((key, value) -> told.add(
                            key + "=" + value.map(NodeAnnounced::getFreeBytes).orElse(-1L)));
                    assertEquals(Map.of("alpha", node("alpha", 2), "beta", node("beta", 1)), view.all());

                    publisher.remove(EventType.NODES, "alpha", LIMIT);
                    publisher.send(EventType.NODES, node("beta", 3), LIMIT);

                    Await.until("both changes", LIMIT, () -> told.size() == 4);
                    assertEquals(List.of("alpha=2", "beta=1", "alpha=-1", "beta=3"), told);
                    assertEquals(Optional.empty(), view.get("alpha"));
                }
            }
        }
    }
}
