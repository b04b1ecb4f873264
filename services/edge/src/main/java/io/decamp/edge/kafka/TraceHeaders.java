package io.decamp.edge.kafka;

import io.decamp.contracts.event.EventHeader;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** W3C trace context in the attributes of an event. */
final class TraceHeaders {
    private static final String PARENT = "traceparent";
    private static final String STATE = "tracestate";

    private TraceHeaders() {}

    /** The header with the current trace context in it; unchanged when there is no trace. */
    static EventHeader inject(OpenTelemetry telemetry, EventHeader header) {
        Map<String, String> carrier = new HashMap<>();
        telemetry.getPropagators().getTextMapPropagator().inject(Context.current(), carrier, Map::put);
        return new EventHeader(
                header.id(),
                header.source(),
                header.type(),
                header.time(),
                carrier.getOrDefault(PARENT, ""),
                carrier.getOrDefault(STATE, ""));
    }

    /** The context that an event was said in; the root context when it belongs to no trace. */
    static Context extract(OpenTelemetry telemetry, EventHeader header) {
        return telemetry.getPropagators().getTextMapPropagator().extract(Context.root(), header, Getter.INSTANCE);
    }

    private enum Getter implements TextMapGetter<EventHeader> {
        INSTANCE;

        @Override
        public Iterable<String> keys(EventHeader header) {
            return List.of(PARENT, STATE);
        }

        @Override
        public String get(EventHeader header, String key) {
            String value = switch (key) {
                case PARENT -> header.traceparent();
                case STATE -> header.tracestate();
                default -> "";
            };
            return value.isEmpty() ? null : value;
        }
    }
}
