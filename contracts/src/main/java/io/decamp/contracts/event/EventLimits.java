package io.decamp.contracts.event;

/** What a record may be at most. A record above a limit is refused before anything of it is parsed. */
public final class EventLimits {
    /** Data of an event: half of a broker's default {@code max.message.bytes}, so that a dead letter still fits. */
    public static final int MAX_VALUE_BYTES = 512 << 10;
    /** A request in JSON: two dozen short fields, and a note for people. */
    public static final int MAX_JSON_BYTES = 16 << 10;
    /** {@code ce_id}: a UUID has 36; ids are kept in memory to recognise duplicates. */
    public static final int MAX_ID_CHARS = 128;
    /** {@code ce_source}: a URI reference. */
    public static final int MAX_SOURCE_CHARS = 256;
    /** {@code tracestate}: what W3C Trace Context asks everybody to carry. */
    public static final int MAX_TRACESTATE_CHARS = 512;
    /** Any text in a request in JSON, its note included. */
    public static final int MAX_JSON_TEXT_CHARS = 4 << 10;

    private EventLimits() {}
}
