package io.decamp.contracts.event;

import java.time.Instant;
import java.util.Map;

/**
 * A record as the broker has it, free of Kafka's classes. Nothing in it is trusted.
 *
 * @param partition with {@code offset} the place in the topic, for messages and for events without an id
 * @param timestamp the broker's or the producer's, as the topic is configured
 * @param headers last value of each name
 * @param key null when the record has none
 * @param value null for a tombstone
 */
public record RawEvent(
        String topic,
        int partition,
        long offset,
        Instant timestamp,
        Map<String, byte[]> headers,
        String key,
        byte[] value) {

    /** {@code topic-partition-offset}: as good as an id for what came without one. */
    public String place() {
        return topic + "-" + partition + "-" + offset;
    }

    @Override
    public String toString() {
        return place();
    }
}
