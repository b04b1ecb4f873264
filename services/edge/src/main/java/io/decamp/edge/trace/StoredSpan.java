package io.decamp.edge.trace;

import java.util.Map;

/**
 * A span as a node keeps it.
 *
 * @param parentSpanId empty for the root of a trace
 * @param kind of OpenTelemetry: INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER
 * @param error what went wrong, empty when nothing did
 * @param attributes values as text
 */
public record StoredSpan(
        String traceId,
        String spanId,
        String parentSpanId,
        String name,
        String kind,
        String service,
        String node,
        long startUnixNanos,
        long endUnixNanos,
        String error,
        Map<String, String> attributes) {

    public StoredSpan {
        attributes = Map.copyOf(attributes);
    }

    public boolean isRoot() {
        return parentSpanId.isEmpty();
    }

    public long durationNanos() {
        return endUnixNanos - startUnixNanos;
    }
}
