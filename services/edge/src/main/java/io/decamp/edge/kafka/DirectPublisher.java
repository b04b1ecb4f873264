package io.decamp.edge.kafka;

import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EncodedEvent;
import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventType;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.common.KafkaException;

/**
 * Says events for somebody who waits for the acknowledgement and is told when there is none: unlike those of
 * {@link EventPublisher}, an event that was given up is not sent later, when the one who asked has asked again or has
 * changed his mind. Ids are the caller's, so that what is said twice is one event to those who read it. Safe for use by
 * many threads.
 */
public final class DirectPublisher implements AutoCloseable {
    /** The shortest limit of which each half is longer than a broker's pause for garbage. */
    private static final Duration LEAST_LIMIT = Duration.ofSeconds(1);

    private final Bus bus;
    private final int halfMillis;
    private Producer<String, byte[]> producer;
    private boolean closed;

    /** @param limit the longest that an event waits: half of it for a broker to be found, half for its answer */
    public DirectPublisher(Bus bus, Duration limit) {
        if (limit.compareTo(LEAST_LIMIT) < 0) {
            throw new IllegalArgumentException("A limit of " + limit + " is shorter than " + LEAST_LIMIT);
        }
        this.bus = bus;
        this.halfMillis = Math.toIntExact(limit.toMillis() / 2);
    }

    /**
     * Waits for a broker to say where the topic is, and not for the acknowledgement.
     *
     * @param id {@code ce_id}
     * @return completes when all in-sync replicas have it; exceptionally with {@code broker-unreachable}, when it may
     *     or may not be there, and is not on its way any more
     * @throws DecampException {@code event-oversized}
     */
    public <T extends Message> CompletableFuture<Void> send(EventType<T> type, String id, T data) {
        EncodedEvent encoded = EventCodec.encode(type, bus.newHeader(type, id), data);
        CompletableFuture<Void> acknowledged = new CompletableFuture<>();
        try {
            producer().send(RecordMapper.toRecord(encoded, null), (metadata, failure) -> {
                if (failure == null) {
                    acknowledged.complete(null);
                } else {
                    acknowledged.completeExceptionally(unreachable(type, id, failure));
                }
            });
        } catch (KafkaException | IllegalStateException e) {
            discard();
            acknowledged.completeExceptionally(unreachable(type, id, e));
        }
        return acknowledged;
    }

    /** Gives what is on its way the rest of its time. */
    @Override
    public synchronized void close() {
        closed = true;
        if (producer != null) {
            producer.close(Duration.ofMillis(2L * halfMillis));
            producer = null;
        }
    }

    private synchronized Producer<String, byte[]> producer() {
        if (closed) {
            throw new IllegalStateException("The publisher is closed");
        }
        if (producer == null) {
            producer = bus.settings().producer(bus.clientId("direct"), halfMillis, halfMillis);
        }
        return producer;
    }

    /** One that throws may do so for ever; the next event gets a new one. */
    private synchronized void discard() {
        if (producer != null) {
            producer.close(Duration.ZERO);
            producer = null;
        }
    }

    private DecampException unreachable(EventType<?> type, String id, Exception cause) {
        return DecampException.retry(
                "broker-unreachable",
                "Event " + id + " for topic " + type.topic() + " was not acknowledged within " + 2 * halfMillis + " ms",
                "Check that a broker answers on " + bus.settings().bootstrap() + " and has the topic",
                cause);
    }
}
