package io.decamp.edge.kafka;

import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.NodeId;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Clock;
import java.util.UUID;

/**
 * What everything on Kafka shares: the brokers, who we are, the traces and the clock.
 *
 * @param source {@code ce_source} of what is said, such as {@code /nodes/alpha}; also in the clients' names
 */
public record Bus(KafkaSettings settings, String source, OpenTelemetry telemetry, Clock clock) {

    /** Of a service on a node. */
    public static Bus ofNode(KafkaSettings settings, NodeId node, OpenTelemetry telemetry) {
        return new Bus(settings, "/nodes/" + node, telemetry, Clock.systemUTC());
    }

    /** Of something else that speaks: {@code cli}, {@code coordinator}. */
    public static Bus of(KafkaSettings settings, String speaker, OpenTelemetry telemetry) {
        return new Bus(settings, "/" + speaker, telemetry, Clock.systemUTC());
    }

    /** The same, with the spans of another service of this process. */
    public Bus with(OpenTelemetry otherTelemetry) {
        return new Bus(settings, source, otherTelemetry, clock);
    }

    /** Attributes of a new event in the current trace. */
    EventHeader newHeader(EventType<?> type) {
        return newHeader(type, UUID.randomUUID().toString());
    }

    /** The same, under an id that says again what was said before. */
    EventHeader newHeader(EventType<?> type, String id) {
        EventHeader bare = new EventHeader(id, source, type.ceType(), clock.instant());
        return TraceHeaders.inject(telemetry, bare);
    }

    /** Name of a client in the brokers' logs and quotas. */
    String clientId(String role) {
        return "decamp" + source.replace('/', '-') + "-" + role;
    }
}
