package io.decamp.contracts.event;

import io.decamp.contracts.error.DecampException;

/** The words in which records are refused: the place, what is there, and what was expected. */
final class EventRefusals {
    /** Enough of a foreign text to recognise it, little enough for a log line. */
    private static final int QUOTED_CHARS = 60;

    private EventRefusals() {}

    static DecampException malformed(RawEvent raw, String what, String expected) {
        return malformed(raw, what, expected, null);
    }

    static DecampException malformed(RawEvent raw, String what, String expected, Throwable cause) {
        return refused("event-malformed", "Record " + raw + " " + what + "; expected " + expected, cause);
    }

    static DecampException oversized(String where, String what, long size, long limit, String unit) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "event-oversized",
                "Record " + where + ": " + what + " has " + size + " " + unit + "; expected at most " + limit,
                "Send less in one event; pages never travel in events",
                null);
    }

    static DecampException unversioned(RawEvent raw, String what, String expected) {
        return refused("event-unversioned", "Record " + raw + " " + what + "; expected ce_type " + expected, null);
    }

    static DecampException versionUnknown(RawEvent raw, String given, EventType<?> type) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "event-version-unknown",
                "Record " + raw + " has ce_type " + quote(given) + "; this version of decamp reads " + type,
                "Upgrade the services that read topic " + type.topic() + " before those that write it",
                null);
    }

    static DecampException unexpected(RawEvent raw, String given, String expected) {
        return refused("event-unexpected", "Record " + raw + " is " + given + "; expected " + expected, null);
    }

    static DecampException keyMismatch(RawEvent raw, String expected) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "event-key-mismatch",
                "Record " + raw + " has key " + quote(raw.key()) + "; expected " + quote(expected) + " as in its data",
                "Use the workload (the node on topic nodes) as the record's key: it keeps the order",
                null);
    }

    private static DecampException refused(String code, String message, Throwable cause) {
        return new DecampException(
                DecampException.Category.REFUSED,
                code,
                message,
                "Write CloudEvents 1.0 in Kafka binary mode, as docs/protocol.md describes them",
                cause);
    }

    /** A foreign text, short and without control characters. */
    static String quote(String text) {
        if (text == null) {
            return "(none)";
        }
        String shown = text.length() > QUOTED_CHARS ? text.substring(0, QUOTED_CHARS) + "..." : text;
        return "'" + shown.replaceAll("\\p{Cntrl}", "?") + "'";
    }
}
