package io.decamp.contracts.event;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the {@code ce_*} headers of a record, strictly for protobuf, and with everything optional for JSON. */
final class EventHeaderReader {
    static final String SPEC = "1.0";

    private static final Pattern PRINTABLE = Pattern.compile("[\\x21-\\x7e]+");
    private static final Pattern VERSIONED = Pattern.compile("(.+)\\.v([1-9][0-9]{0,3})");
    /** Version, trace id, parent id, flags; W3C Trace Context level 2. */
    private static final Pattern TRACEPARENT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");

    private EventHeaderReader() {}

    static EventHeader strict(EventType<?> type, RawEvent raw) {
        String spec = required(raw, EventCodec.SPECVERSION, SPEC);
        checkSpec(raw, spec);
        checkType(type, raw, text(raw, "ce_type"));
        return new EventHeader(
                id(raw, required(raw, "ce_id", "a unique id")),
                source(raw, required(raw, "ce_source", "a URI reference such as /nodes/alpha")),
                type.ceType(),
                time(raw, required(raw, "ce_time", "an RFC 3339 time")),
                traceparent(raw),
                tracestate(raw));
    }

    /** For those who only know how to write one line: what is there must be right, what is missing is derived. */
    static EventHeader tolerant(EventType<?> type, RawEvent raw) {
        String spec = text(raw, EventCodec.SPECVERSION);
        if (spec != null) {
            checkSpec(raw, spec);
        }
        String given = text(raw, "ce_type");
        if (given != null) {
            checkType(type, raw, given);
        }
        String id = text(raw, "ce_id");
        String source = text(raw, "ce_source");
        String time = text(raw, "ce_time");
        return new EventHeader(
                id == null ? raw.place() : id(raw, id),
                source == null ? "/topics/" + raw.topic() : source(raw, source),
                type.ceType(),
                time == null ? raw.timestamp() : time(raw, time),
                traceparent(raw),
                tracestate(raw));
    }

    private static void checkSpec(RawEvent raw, String spec) {
        if (!spec.equals(SPEC)) {
            throw EventRefusals.malformed(raw, "has ce_specversion " + EventRefusals.quote(spec), SPEC);
        }
    }

    private static void checkType(EventType<?> type, RawEvent raw, String given) {
        if (given == null) {
            throw EventRefusals.unversioned(raw, "has no ce_type", type.ceType());
        }
        Matcher versioned = VERSIONED.matcher(given);
        if (!versioned.matches()) {
            throw EventRefusals.unversioned(
                    raw, "has ce_type " + EventRefusals.quote(given) + " without a version", type.ceType());
        }
        if (!versioned.group(1).equals(type.baseType())) {
            throw EventRefusals.unexpected(raw, "of ce_type " + EventRefusals.quote(given), type.ceType());
        }
        if (Integer.parseInt(versioned.group(2)) != type.version()) {
            throw EventRefusals.versionUnknown(raw, given, type);
        }
    }

    private static String id(RawEvent raw, String id) {
        return bounded(raw, "ce_id", id, EventLimits.MAX_ID_CHARS);
    }

    private static String source(RawEvent raw, String source) {
        return bounded(raw, "ce_source", source, EventLimits.MAX_SOURCE_CHARS);
    }

    private static String bounded(RawEvent raw, String name, String value, int maxChars) {
        if (value.length() > maxChars) {
            throw EventRefusals.oversized(raw.place(), name, value.length(), maxChars, "characters");
        }
        if (!PRINTABLE.matcher(value).matches()) {
            throw EventRefusals.malformed(
                    raw, "has " + name + " " + EventRefusals.quote(value), "printable ASCII without blanks");
        }
        return value;
    }

    private static Instant time(RawEvent raw, String time) {
        try {
            return parseTime(time);
        } catch (DateTimeException e) {
            throw EventRefusals.malformed(
                    raw,
                    "has ce_time " + EventRefusals.quote(time),
                    "an RFC 3339 time such as 2026-01-31T12:00:00Z",
                    e);
        }
    }

    /** RFC 3339 with any offset. */
    static Instant parseTime(String time) {
        return OffsetDateTime.parse(time).toInstant();
    }

    /** A trace context that is not valid starts a new trace, as W3C asks; it does not make the event invalid. */
    private static String traceparent(RawEvent raw) {
        byte[] given = raw.headers().get("traceparent");
        String text = given == null ? "" : new String(given, StandardCharsets.UTF_8);
        return TRACEPARENT.matcher(text).matches() ? text : "";
    }

    private static String tracestate(RawEvent raw) {
        byte[] given = raw.headers().get("tracestate");
        boolean fits = given != null && given.length <= EventLimits.MAX_TRACESTATE_CHARS;
        return fits && !traceparent(raw).isEmpty() ? new String(given, StandardCharsets.UTF_8) : "";
    }

    private static String required(RawEvent raw, String name, String expected) {
        String value = text(raw, name);
        if (value == null) {
            throw EventRefusals.malformed(raw, "has no " + name, expected);
        }
        return value;
    }

    private static String text(RawEvent raw, String name) {
        byte[] value = raw.headers().get(name);
        if (value == null) {
            return null;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(value))
                    .toString();
        } catch (CharacterCodingException e) {
            throw EventRefusals.malformed(raw, "has a header " + name + " that is not UTF-8", "UTF-8", e);
        }
    }
}
