package io.decamp.contracts.event;

import java.time.Instant;

/**
 * The attributes of a CloudEvent, as they travel in {@code ce_*} headers.
 *
 * @param id unique together with {@code source}; what duplicates are recognised by
 * @param source who says so, such as {@code /nodes/alpha}
 * @param type {@link EventType#ceType()}
 * @param time when it was said, by the clock of the source
 * @param traceparent W3C trace context, empty when there is none
 * @param tracestate W3C vendor state, empty when there is none
 */
public record EventHeader(String id, String source, String type, Instant time, String traceparent, String tracestate) {

    /** An event that belongs to no trace. */
    public EventHeader(String id, String source, String type, Instant time) {
        this(id, source, type, time, "", "");
    }
}
