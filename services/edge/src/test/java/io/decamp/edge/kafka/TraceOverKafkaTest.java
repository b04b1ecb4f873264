package io.decamp.edge.kafka;

import static io.decamp.edge.kafka.BusFixture.ALPHA;
import static io.decamp.edge.kafka.BusFixture.BETA;
import static io.decamp.edge.kafka.BusFixture.LIMIT;
import static io.decamp.edge.kafka.BusFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.edge.trace.SpanReader;
import io.decamp.edge.trace.StoredSpan;
import io.decamp.edge.trace.Tracing;
import io.decamp.testkit.Await;
import io.decamp.testkit.KafkaBroker;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes, each with its own spans: what happens because of a request is one trace. */
class TraceOverKafkaTest {
    @TempDir
    private Path spans;

    private KafkaBroker broker;
    private Tracing alphaTracing;
    private Tracing betaTracing;
    private Bus alpha;
    private Bus beta;

    @BeforeEach
    void start() {
        broker = KafkaBroker.start();
        alphaTracing = new Tracing(Optional.of(ALPHA), Optional.of(spans.resolve("alpha")), Optional.empty());
        betaTracing = new Tracing(Optional.of(BETA), Optional.of(spans.resolve("beta")), Optional.empty());
        KafkaSettings settings = KafkaSettings.of(broker.bootstrap());
        alpha = Bus.ofNode(settings, ALPHA, alphaTracing.service("snapshotter"));
        beta = Bus.ofNode(settings, BETA, betaTracing.service("restorer"));
        new TopicAdmin(alpha).ensure(LIMIT);
    }

    @AfterEach
    void stop() {
        alphaTracing.close();
        betaTracing.close();
        broker.close();
    }

    @Test
    void shouldBeOneTraceFromTheRequestToTheAnswerOfAnotherNode() {
        OpenTelemetry cli = alphaTracing.service("cli");
        try (EventPublisher fromAlpha = new EventPublisher(alpha);
                EventPublisher fromCli = new EventPublisher(Bus.of(alpha.settings(), "cli", cli));
                EventConsumer onAlpha = EventConsumer.start(
                        alpha,
                        Subscription.fromEnd("requests")
                                .on(
                                        EventType.MIGRATION_REQUESTED,
                                        event -> fromAlpha.migrationFailed(MigrationFailed.newBuilder()
                                                .setWorkload("runc:a")
                                                .build())),
                        fromAlpha);
                EventConsumer onBeta = EventConsumer.start(
                        beta,
                        Subscription.fromEnd("failures").on(EventType.MIGRATION_FAILED, event -> {}),
                        fromAlpha)) {
            onAlpha.awaitReady(LIMIT);
            onBeta.awaitReady(LIMIT);
            Span evict = cli.getTracer("test").spanBuilder("evict").startSpan();

            try (Scope _ = evict.makeCurrent()) {
                fromCli.send(EventType.MIGRATION_REQUESTED, request("runc:a"), LIMIT);
            }
            evict.end();

            Await.until("the answer", LIMIT, () -> onBeta.handled() == 1);
            List<StoredSpan> trace = trace(evict.getSpanContext().getTraceId());
            assertEquals(
                    List.of(
                            "cli: evict",
                            "snapshotter: migration-requested process",
                            "restorer: migration-failed process"),
                    trace.stream().map(s -> s.service() + ": " + s.name()).toList());
            assertEquals(trace.get(0).spanId(), trace.get(1).parentSpanId());
            assertEquals(trace.get(1).spanId(), trace.get(2).parentSpanId());
        }
    }

    @Test
    void shouldStartATraceForARequestOnly() throws Exception {
        try (EventPublisher publisher = new EventPublisher(alpha);
                EventConsumer consumer = EventConsumer.start(
                        alpha,
                        Subscription.fromEnd("all")
                                .on(EventType.MIGRATION_REQUESTED, event -> {})
                                .on(EventType.PAGES_DIRTY, event -> {}),
                        publisher)) {
            consumer.awaitReady(LIMIT);

            publisher.pagesDirty(PagesDirty.newBuilder().setWorkload("runc:a").build());
            publisher.send(EventType.MIGRATION_REQUESTED, request("runc:a"), LIMIT);

            Await.until("both", LIMIT, () -> consumer.handled() == 2);
            alphaTracing.flush();
            try (Stream<Path> traces = Files.list(spans.resolve("alpha"))) {
                assertEquals(1, traces.count());
            }
        }
    }

    private List<StoredSpan> trace(String traceId) {
        alphaTracing.flush();
        betaTracing.flush();
        return new SpanReader(List.of(spans.resolve("alpha"), spans.resolve("beta"))).read(traceId);
    }
}
