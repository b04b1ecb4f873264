package io.decamp.requesters.alerts;

import com.sun.net.httpserver.HttpServer;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.KafkaSettings;
import io.opentelemetry.api.OpenTelemetry;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Receives notifications of an Alertmanager and asks for moves, until it is closed. */
public final class AlertReceiver implements AutoCloseable {
    /** {@code ce_source} is {@code /alerts}: of all receivers, so that they recognise each other's requests. */
    private static final String SPEAKER = "alerts";
    /** A broker that does not answer within this is not there. */
    private static final Duration START_LIMIT = Duration.ofSeconds(15);
    /** Of a look at the brokers for {@code /health}; it must answer before the one who asks gives up. */
    private static final Duration LOOK_LIMIT = Duration.ofSeconds(2);
    /** Health is asked for by several, and a look is a connection. */
    private static final long LOOK_AGAIN_NANOS = Duration.ofSeconds(5).toNanos();

    private final TopicRequests requests;
    private final AlertServer server;

    private AlertReceiver(TopicRequests requests, AlertServer server) {
        this.requests = requests;
        this.server = server;
    }

    /**
     * Returns when it answers.
     *
     * @param address port 0 for a free one
     * @param journal is given a line for people about each thing that is asked for, or refused
     * @throws io.decamp.contracts.error.DecampException nothing was started: {@code token-missing}, {@code port-taken},
     *     {@code cannot-listen}, {@code broker-unreachable}
     */
    public static AlertReceiver start(
            KafkaSettings kafka,
            InetSocketAddress address,
            Optional<BearerToken> token,
            AlertPolicy policy,
            Consumer<String> journal) {
        HttpServer bound = AlertServer.bind(address, token);
        try {
            Bus bus = Bus.of(kafka, SPEAKER, OpenTelemetry.noop());
            TopicRequests requests = TopicRequests.open(bus, START_LIMIT);
            AlertCounters counters = new AlertCounters();
            AlertIntake intake = new AlertIntake(requests, policy, bus.clock(), counters, journal);
            return new AlertReceiver(
                    requests, AlertServer.start(bound, intake, counters, token, new Look(requests)));
        } catch (RuntimeException e) {
            bound.stop(0);
            throw e;
        }
    }

    public InetSocketAddress address() {
        return server.address();
    }

    /** Answers what it has begun to, then ends. */
    @Override
    public void close() {
        server.close();
        requests.close();
    }

    /** Whether a broker answered lately. */
    private record Look(TopicRequests requests, AtomicReference<Seen> last) implements BooleanSupplier {
        private record Seen(long atNanos, boolean answered) {}

        Look(TopicRequests requests) {
            this(requests, new AtomicReference<>());
        }

        @Override
        public synchronized boolean getAsBoolean() {
            Seen seen = last.get();
            if (seen == null || System.nanoTime() - seen.atNanos() > LOOK_AGAIN_NANOS) {
                boolean answered = requests.brokerAnswers(LOOK_LIMIT);
                seen = new Seen(System.nanoTime(), answered);
                last.set(seen);
            }
            return seen.answered();
        }
    }
}
