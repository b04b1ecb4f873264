package io.decamp.contracts.event;

import com.google.protobuf.Message;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/** Records as they come from a broker, whole and spoilt. */
final class RawEvents {
    static final Instant RECORDED = Instant.parse("2026-02-01T00:00:00Z");

    private RawEvents() {}

    /** As a console producer writes it: no key, no headers. */
    static RawEvent bare(String topic, byte[] value) {
        return new RawEvent(topic, 2, 40, RECORDED, Map.of(), null, value);
    }

    static RawEvent json(String json) {
        byte[] value = json.getBytes(StandardCharsets.UTF_8);
        return with(bare(Topics.MIGRATION_REQUESTED, value), "content-type", "application/json");
    }

    static RawEvent of(EventSamples.Sample<? extends Message> sample) {
        EncodedEvent e = sample.encode();
        return new RawEvent(e.topic(), 2, 40, RECORDED, e.headers(), e.key(), e.value());
    }

    static RawEvent with(RawEvent raw, String header, String value) {
        Map<String, byte[]> headers = new HashMap<>(raw.headers());
        headers.put(header, value.getBytes(StandardCharsets.UTF_8));
        return new RawEvent(
                raw.topic(), raw.partition(), raw.offset(), raw.timestamp(), headers, raw.key(), raw.value());
    }

    static RawEvent without(RawEvent raw, String header) {
        Map<String, byte[]> headers = new HashMap<>(raw.headers());
        headers.remove(header);
        return new RawEvent(
                raw.topic(), raw.partition(), raw.offset(), raw.timestamp(), headers, raw.key(), raw.value());
    }

    static RawEvent withValue(RawEvent raw, byte[] value) {
        return new RawEvent(
                raw.topic(), raw.partition(), raw.offset(), raw.timestamp(), raw.headers(), raw.key(), value);
    }

    static RawEvent withKey(RawEvent raw, String key) {
        return new RawEvent(
                raw.topic(), raw.partition(), raw.offset(), raw.timestamp(), raw.headers(), key, raw.value());
    }
}
