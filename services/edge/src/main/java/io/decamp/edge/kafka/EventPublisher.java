package io.decamp.edge.kafka;

import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EncodedEvent;
import io.decamp.contracts.event.EventCodec;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Says things on topics, in the trace that is current where it is called. Safe for use by many threads.
 *
 * <p>The methods of {@link EventSink} and {@link #publish} neither wait nor throw: an event goes into a bounded
 * queue, is tried for {@link PublishQueue#GIVE_UP_AFTER}, and is counted in {@link #dropped()} when that was in vain.
 * {@link #send} waits for the acknowledgement of all in-sync replicas.
 */
public final class EventPublisher implements EventSink, AutoCloseable {
    private final Bus bus;
    private final PublishQueue queue;
    private final Consumer<Message> heard;

    public EventPublisher(Bus bus) {
        this(bus, event -> {});
    }

    /** @param heard is told of each event that is published, acknowledged or not; must not block or throw */
    public EventPublisher(Bus bus, Consumer<Message> heard) {
        this.bus = bus;
        this.queue = new PublishQueue(bus);
        this.heard = heard;
    }

    @Override
    public void pagesDirty(PagesDirty event) {
        publish(EventType.PAGES_DIRTY, event);
    }

    @Override
    public void snapshotReady(SnapshotReady event) {
        publish(EventType.SNAPSHOT_READY, event);
    }

    @Override
    public void restored(Restored event) {
        publish(EventType.RESTORED, event);
    }

    @Override
    public void migrationFailed(MigrationFailed event) {
        publish(EventType.MIGRATION_FAILED, event);
    }

    @Override
    public void progress(MigrationProgress event) {
        publish(EventType.MIGRATION_PROGRESS, event);
    }

    @Override
    public void evictionMeasured(EvictionMeasured event) {
        publish(EventType.EVICTIONS, event);
    }

    /**
     * Never waits, never throws.
     *
     * @return completes with the attributes under which the event was acknowledged, or exceptionally when it was
     *     dropped
     */
    public <T extends Message> CompletableFuture<EventHeader> publish(EventType<T> type, T data) {
        heard.accept(data);
        try {
            EventHeader header = bus.newHeader(type);
            EncodedEvent encoded = EventCodec.encode(type, header, data);
            // soon followed by a newer one
            boolean expendable = type == EventType.PAGES_DIRTY || type == EventType.MIGRATION_PROGRESS;
            return queue.offer(RecordMapper.toRecord(encoded, null), expendable).thenApply(acknowledged -> header);
        } catch (DecampException e) {
            return queue.drop(type.topic(), e);
        }
    }

    /**
     * Returns when the event is acknowledged.
     *
     * @return the attributes under which it was said; its id is what an answer refers to
     * @throws DecampException {@code broker-unreachable}: the event may or may not be there, and may still arrive
     */
    public <T extends Message> EventHeader send(EventType<T> type, T data, Duration limit) {
        return await(type.topic(), publish(type, data), limit);
    }

    /**
     * Removes a key from a compacted topic.
     *
     * @throws DecampException {@code broker-unreachable}, as in {@link #send}
     */
    public void remove(EventType<?> type, String key, Duration limit) {
        await(type.topic(), queue.offer(new ProducerRecord<>(type.topic(), key, null), false), limit);
    }

    /** Events that were given up, since the start. */
    public long dropped() {
        return queue.dropped();
    }

    /** Events that wait to be acknowledged. */
    public int pending() {
        return queue.pending();
    }

    /** Gives what is queued {@link PublishQueue#CLOSE_WITHIN} to be acknowledged; the rest is dropped. */
    @Override
    public void close() {
        queue.close();
    }

    /** For records that are no events of ours. */
    CompletableFuture<Void> publishRaw(ProducerRecord<String, byte[]> record) {
        return queue.offer(record, false);
    }

    private <R> R await(String topic, CompletableFuture<R> acknowledged, Duration limit) {
        try {
            return acknowledged.get(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw unreachable(topic, "was not acknowledged within " + limit.toMillis() + " ms", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof DecampException refused) {
                throw refused;
            }
            throw unreachable(topic, "was not accepted", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable(topic, "was not waited for: interrupted", e);
        }
    }

    private DecampException unreachable(String topic, String what, Throwable cause) {
        return DecampException.retry(
                "broker-unreachable",
                "An event for topic " + topic + " " + what,
                "Check that a broker answers on " + bus.settings().bootstrap() + " and has the topic",
                cause);
    }
}
