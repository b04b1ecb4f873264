package io.decamp.requesters.alerts;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.DirectPublisher;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.kafka.TopicAdmin;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Asks on the topic, and reads there what was asked before: the topic is the receiver's only memory, so that a
 * restarted one, and a second one beside it, repeat nothing.
 */
final class TopicRequests implements Requests, AutoCloseable {
    /** As long as the topic keeps requests; alerts that fire longer ask once more. */
    private static final Duration LOOK_BACK = Duration.ofDays(7);
    /** Ids that are remembered: years of alerts, a few MiB. */
    private static final int MAX_IDS = 20_000;
    /** Two attempts of this fit into the ten seconds that a notification is usually given. */
    private static final Duration ASK_LIMIT = Duration.ofSeconds(4);

    private final Bus bus;
    private final CompactedView<NodeAnnounced> nodes;
    private final DirectPublisher publisher;
    private final EventConsumer past;
    private final Map<String, Boolean> ids = Collections.synchronizedMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > MAX_IDS;
        }
    });

    private TopicRequests(Bus bus) {
        this.bus = bus;
        nodes = CompactedView.start(bus, EventType.NODES);
        publisher = new DirectPublisher(bus, ASK_LIMIT);
        past = EventConsumer.observe(
                bus,
                Subscription.recent("past", LOOK_BACK).on(EventType.MIGRATION_REQUESTED, e -> {
                    if (e.header().source().equals(bus.source())) {
                        ids.put(e.header().id(), true);
                    }
                }));
    }

    /**
     * Returns when all that was asked before is read.
     *
     * @throws DecampException {@code broker-unreachable}
     */
    static TopicRequests open(Bus bus, Duration limit) {
        TopicRequests requests = new TopicRequests(bus);
        try {
            requests.nodes.awaitCaughtUp(limit);
            requests.past.awaitCaughtUp(limit);
            return requests;
        } catch (RuntimeException e) {
            requests.close();
            throw e;
        }
    }

    @Override
    public Set<String> nodes() {
        return nodes.all().keySet();
    }

    @Override
    public boolean isThere(String id) {
        return ids.containsKey(id);
    }

    @Override
    public CompletableFuture<Void> ask(String id, MigrationRequested request) {
        return publisher.send(EventType.MIGRATION_REQUESTED, id, request).thenRun(() -> ids.put(id, true));
    }

    /** Asks a broker anew. */
    boolean brokerAnswers(Duration limit) {
        try {
            return !new TopicAdmin(bus).brokerHosts(limit).isEmpty();
        } catch (DecampException e) {
            return false;
        }
    }

    @Override
    public void close() {
        past.close();
        nodes.close();
        publisher.close();
    }
}
