package io.decamp.edge.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.NodeId;
import io.decamp.testkit.OtlpReceiver;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TracingTest {
    @TempDir
    private Path directory;

    @Test
    void shouldNameEachServiceOfOneProcess() {
        try (Tracing tracing = onNode("alpha", directory)) {
            Span parent = span(tracing.service("snapshotter"), "evict", Context.root());
            span(tracing.service("transfer"), "send", Context.root().with(parent))
                    .end();
            parent.end();
            tracing.flush();

            List<StoredSpan> spans = new SpanReader(List.of(directory))
                    .read(parent.getSpanContext().getTraceId());

            assertEquals(
                    List.of("snapshotter evict", "transfer send"),
                    spans.stream().map(s -> s.service() + " " + s.name()).toList());
            assertEquals(spans.get(0).spanId(), spans.get(1).parentSpanId());
            assertTrue(spans.get(0).isRoot());
            assertEquals("alpha", spans.get(1).node());
        }
    }

    @Test
    void shouldGiveTheSameServiceTheSameInstance() {
        try (Tracing tracing = onNode("alpha", directory)) {
            assertSame(tracing.service("restorer"), tracing.service("restorer"));
        }
    }

    @Test
    void shouldSendToACollectorUnderTheServicesName() {
        try (OtlpReceiver collector = OtlpReceiver.start();
                Tracing tracing =
                        new Tracing(Optional.empty(), Optional.empty(), Optional.of(collector.endpoint() + "/"))) {
            Span span = span(tracing.service("cli"), "evict", Context.root());
            span.end();

            tracing.flush();

            List<OtlpReceiver.Received> received =
                    collector.spansOf(span.getSpanContext().getTraceId());
            assertEquals(
                    List.of("cli"),
                    received.stream().map(OtlpReceiver.Received::service).toList());
        }
    }

    @Test
    void shouldKeepSpansWhenNoCollectorListens() {
        String nobody = "http://127.0.0.1:1";
        try (Tracing tracing = new Tracing(Optional.empty(), Optional.of(directory), Optional.of(nobody))) {
            Span span = span(tracing.service("cli"), "evict", Context.root());
            span.setStatus(StatusCode.ERROR, "No broker");
            span.end();

            tracing.flush();

            StoredSpan stored = new SpanReader(List.of(directory))
                    .read(span.getSpanContext().getTraceId())
                    .getFirst();
            assertEquals("No broker", stored.error());
        }
    }

    @Test
    void shouldFindAMigrationAcrossNodesAndBringItsSpansTogether() {
        Path beta = directory.resolve("beta");
        Path alpha = directory.resolve("alpha");
        try (Tracing source = onNode("alpha", alpha);
                Tracing destination = onNode("beta", beta)) {
            Span offer = source.service("snapshotter")
                    .getTracer("t")
                    .spanBuilder("offer")
                    .setAttribute(Tracing.MIGRATION, "m-7")
                    .startSpan();
            span(destination.service("restorer"), "take", Context.root().with(offer))
                    .end();
            offer.end();
            source.flush();
            destination.flush();
            SpanReader reader = new SpanReader(List.of(alpha, beta, directory.resolve("gone")));

            List<String> traces = reader.find(Tracing.MIGRATION.getKey(), "m-7");

            assertEquals(List.of(offer.getSpanContext().getTraceId()), traces);
            assertEquals(
                    Set.of("alpha", "beta"),
                    reader.read(traces.getFirst()).stream()
                            .map(StoredSpan::node)
                            .collect(Collectors.toSet()));
        }
    }

    @Test
    void shouldForgetTheOldestTraces() throws Exception {
        try (Tracing tracing = onNode("alpha", directory)) {
            OpenTelemetry service = tracing.service("snapshotter");
            for (int i = 0; i < SpanStore.MAX_TRACES + 20; i++) {
                span(service, "s" + i, Context.root()).end();
            }

            tracing.flush();

            try (Stream<Path> files = Files.list(directory)) {
                assertEquals(SpanStore.MAX_TRACES, files.count());
            }
        }
    }

    @Test
    void shouldReadWhatACrashedServiceHasLeft() throws Exception {
        try (Tracing tracing = onNode("alpha", directory)) {
            Span span = span(tracing.service("snapshotter"), "whole", Context.root());
            span.end();
            tracing.flush();
            String traceId = span.getSpanContext().getTraceId();
            Path file = directory.resolve(traceId + SpanStore.SUFFIX);
            String whole = Files.readString(file);
            Files.writeString(file, whole + whole.substring(0, whole.length() / 2));

            List<StoredSpan> spans = new SpanReader(List.of(directory)).read(traceId);

            assertEquals(List.of("whole"), spans.stream().map(StoredSpan::name).toList());
            assertFalse(spans.getFirst().durationNanos() < 0);
        }
    }

    private static Span span(OpenTelemetry service, String name, Context parent) {
        return service.getTracer("test").spanBuilder(name).setParent(parent).startSpan();
    }

    private static Tracing onNode(String node, Path directory) {
        return new Tracing(Optional.of(new NodeId(node)), Optional.of(directory), Optional.empty());
    }
}
