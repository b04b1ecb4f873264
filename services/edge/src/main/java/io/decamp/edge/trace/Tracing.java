package io.decamp.edge.trace;

import io.decamp.contracts.id.NodeId;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The one OpenTelemetry SDK of a process: W3C propagation, spans kept in a directory of the node, and sent to a
 * collector when one is configured.
 *
 * <p>Quarkus's own extension is not used, and must not be on the class path beside this. It has one {@code
 * service.name} a process, while one process may run four services here, and the command line has no Quarkus at all.
 * Instead {@link #service} gives each service an {@link OpenTelemetry} of its own resource; all of them share the
 * processors, so that there is one queue and one exporter a process, alone or all in one.
 *
 * <p>Nothing is registered globally: pass the instance on. Safe for use by many threads.
 */
public final class Tracing implements AutoCloseable {
    /** Resource attribute of OpenTelemetry's conventions. */
    public static final AttributeKey<String> SERVICE = AttributeKey.stringKey("service.name");
    /** Resource attribute: the node; absent for the command line. */
    public static final AttributeKey<String> NODE = AttributeKey.stringKey("decamp.node");
    /** Span attribute that {@code decamp trace MIGRATION} looks for. */
    public static final AttributeKey<String> MIGRATION = AttributeKey.stringKey("decamp.migration");

    /** A span is in the store this long after its end: before a person has typed the command that shows it. */
    private static final Duration STORE_DELAY = Duration.ofMillis(100);

    private static final Duration EXPORT_DELAY = Duration.ofSeconds(1);
    /** Ended spans that wait: a migration has a few dozen. More are dropped, never waited for. */
    private static final int QUEUE = 2_048;
    /** A collector that is down must not hold up the end of a process. */
    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(2);

    private final Optional<NodeId> node;
    private final List<SpanProcessor> processors;
    private final Map<String, OpenTelemetrySdk> services = new ConcurrentHashMap<>();

    /**
     * Of one process.
     *
     * @param node where it runs; empty for the command line
     * @param spanDirectory where spans are kept, shared by the services of a node; empty: nowhere
     * @param otlpEndpoint base address of a collector that takes OTLP over HTTP, such as {@code http://host:4318};
     *     empty: nothing is sent. A collector that does not answer costs spans and a line in the log now and then.
     */
    public Tracing(Optional<NodeId> node, Optional<Path> spanDirectory, Optional<String> otlpEndpoint) {
        this.node = node;
        List<SpanProcessor> list = new ArrayList<>();
        spanDirectory.ifPresent(directory -> list.add(batched(new SpanStore(directory), STORE_DELAY)));
        otlpEndpoint.ifPresent(
                endpoint -> list.add(batched(new QuietExporter(otlp(endpoint), endpoint), EXPORT_DELAY)));
        this.processors = List.copyOf(list);
    }

    /** The traces of one service of this process, always the same instance for the same name. */
    public OpenTelemetry service(String name) {
        return services.computeIfAbsent(name, this::create);
    }

    /** Waits until what has ended is stored and sent, or for two seconds. */
    public void flush() {
        processors.forEach(p -> p.forceFlush().join(CLOSE_WITHIN.toMillis(), TimeUnit.MILLISECONDS));
    }

    @Override
    public void close() {
        processors.forEach(p -> p.shutdown().join(CLOSE_WITHIN.toMillis(), TimeUnit.MILLISECONDS));
    }

    private OpenTelemetrySdk create(String service) {
        var attributes = Attributes.builder().put(SERVICE, service);
        node.ifPresent(n -> attributes.put(NODE, n.value()));
        var provider = SdkTracerProvider.builder()
                .setResource(Resource.getDefault().merge(Resource.create(attributes.build())))
                // whoever asked for a migration wants to see it, whatever its own tracer sampled
                .setSampler(Sampler.alwaysOn());
        processors.forEach(processor -> provider.addSpanProcessor(new Shared(processor)));
        return OpenTelemetrySdk.builder()
                .setTracerProvider(provider.build())
                .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
                .build();
    }

    private static SpanExporter otlp(String endpoint) {
        return OtlpHttpSpanExporter.builder()
                .setEndpoint(endpoint.replaceAll("/+$", "") + "/v1/traces")
                .setTimeout(CLOSE_WITHIN)
                .setRetryPolicy(null)
                .build();
    }

    private static SpanProcessor batched(SpanExporter exporter, Duration delay) {
        return BatchSpanProcessor.builder(exporter)
                .setScheduleDelay(delay)
                .setMaxQueueSize(QUEUE)
                .setExporterTimeout(CLOSE_WITHIN)
                .build();
    }
}
