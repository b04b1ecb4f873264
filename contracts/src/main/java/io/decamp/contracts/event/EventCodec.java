package io.decamp.contracts.event;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import java.nio.charset.StandardCharsets;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SequencedMap;

/**
 * CloudEvents 1.0 in Kafka binary mode: attributes in {@code ce_*} headers, data alone in the value. Writes protobuf;
 * reads protobuf, and JSON on {@code migration-requested}. Knows no clock, no broker and no policy: an event that is
 * too old is decoded like any other.
 *
 * <p>What it refuses carries a code: {@code event-malformed}, {@code event-oversized}, {@code event-unversioned},
 * {@code event-version-unknown}, {@code event-unexpected}, {@code event-key-mismatch}.
 */
public final class EventCodec {
    public static final String PROTOBUF = "application/protobuf";
    public static final String JSON = "application/json";

    static final String CONTENT_TYPE = "content-type";
    static final String SPECVERSION = "ce_specversion";

    private EventCodec() {}

    /**
     * @throws DecampException {@code event-oversized}: the data exceed {@link EventLimits#MAX_VALUE_BYTES}
     */
    public static <T extends Message> EncodedEvent encode(EventType<T> type, EventHeader header, T data) {
        byte[] value = data.toByteArray();
        if (value.length > EventLimits.MAX_VALUE_BYTES) {
            throw EventRefusals.oversized(type.topic(), "the data", value.length, EventLimits.MAX_VALUE_BYTES, "bytes");
        }
        SequencedMap<String, byte[]> headers = new LinkedHashMap<>();
        put(headers, SPECVERSION, EventHeaderReader.SPEC);
        put(headers, "ce_id", header.id());
        put(headers, "ce_type", header.type());
        put(headers, "ce_source", header.source());
        put(headers, "ce_time", DateTimeFormatter.ISO_INSTANT.format(header.time()));
        put(headers, CONTENT_TYPE, PROTOBUF);
        if (!header.traceparent().isEmpty()) {
            put(headers, "traceparent", header.traceparent());
            if (!header.tracestate().isEmpty()) {
                put(headers, "tracestate", header.tracestate());
            }
        }
        return new EncodedEvent(type.topic(), type.keyOf(data), headers, value);
    }

    /** @throws DecampException category REFUSED, with one of the codes above */
    public static <T extends Message> Event<T> decode(EventType<T> type, RawEvent raw) {
        if (!type.topic().equals(raw.topic())) {
            throw EventRefusals.unexpected(raw, "a record of topic " + raw.topic(), "one of topic " + type.topic());
        }
        if (raw.value() == null) {
            throw EventRefusals.malformed(raw, "has no data", "the data of " + type);
        }
        return isJson(type, raw) ? decodeJson(type, raw) : decodeProtobuf(type, raw);
    }

    private static <T extends Message> Event<T> decodeProtobuf(EventType<T> type, RawEvent raw) {
        limit(raw, EventLimits.MAX_VALUE_BYTES);
        EventHeader header = EventHeaderReader.strict(type, raw);
        T data;
        try {
            data = type.parser().parseFrom(raw.value());
        } catch (InvalidProtocolBufferException e) {
            throw EventRefusals.malformed(raw, "is not a protobuf message", "the data of " + type, e);
        }
        if (!type.keyOf(data).equals(raw.key())) {
            throw EventRefusals.keyMismatch(raw, type.keyOf(data));
        }
        return new Event<>(type, header, data);
    }

    private static <T extends Message> Event<T> decodeJson(EventType<T> type, RawEvent raw) {
        limit(raw, EventLimits.MAX_JSON_BYTES);
        EventHeader header = EventHeaderReader.tolerant(type, raw);
        T data = type.messageClass().cast(MigrationRequestJson.read(raw));
        return new Event<>(type, header, data);
    }

    /**
     * JSON is said by its content type. One line written by a console producer has no headers at all: there, an opening
     * brace says it, which starts no valid protobuf of ours (it would be a group).
     */
    private static boolean isJson(EventType<?> type, RawEvent raw) {
        byte[] given = raw.headers().get(CONTENT_TYPE);
        if (given == null) {
            boolean bare = !raw.headers().containsKey(SPECVERSION);
            return bare && type == EventType.MIGRATION_REQUESTED && startsWithBrace(raw.value());
        }
        String text = new String(given, StandardCharsets.UTF_8);
        String media = text.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        boolean json = media.equals(JSON);
        if (!json && !media.equals(PROTOBUF)) {
            throw EventRefusals.malformed(raw, "has content-type " + EventRefusals.quote(text), PROTOBUF);
        }
        if (json && type != EventType.MIGRATION_REQUESTED) {
            throw EventRefusals.malformed(raw, "is JSON, which only migration-requested may be", PROTOBUF);
        }
        return json;
    }

    private static boolean startsWithBrace(byte[] value) {
        for (byte b : value) {
            if (b != ' ' && b != '\t' && b != '\n' && b != '\r') {
                return b == '{';
            }
        }
        return false;
    }

    private static void limit(RawEvent raw, int maxBytes) {
        if (raw.value().length > maxBytes) {
            throw EventRefusals.oversized(raw.place(), "the data", raw.value().length, maxBytes, "bytes");
        }
    }

    private static void put(SequencedMap<String, byte[]> headers, String name, String value) {
        headers.put(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
