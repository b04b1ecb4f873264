package io.decamp.edge.config;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.NodeDirectory;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.Severity;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.edge.kafka.TopicAdmin;
import io.decamp.edge.trace.Tracing;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import org.jboss.logging.Logger.Level;

/** The topics as beans. Whoever asks for one may rely on the topics being there and read up to now. */
@ApplicationScoped
class BusBeans {
    private static final Logger LOG = Logger.getLogger(BusBeans.class);
    /** A service that starts before its broker waits for it as long as a broker takes to restart, then fails. */
    private static final Duration BROKER_LIMIT = Duration.ofSeconds(30);

    @Produces
    @Singleton
    Tracing tracing(DecampConfig config, NodeSettings settings) {
        Path spans = config.trace().directory().orElse(settings.stateDirectory().resolve("spans"));
        return new Tracing(Optional.of(settings.node()), Optional.of(spans), config.trace().otlpEndpoint());
    }

    void close(@Disposes Tracing tracing) {
        tracing.close();
    }

    @Produces
    @Singleton
    Bus bus(
            DecampConfig config,
            NodeSettings settings,
            Tracing tracing,
            @ConfigProperty(name = "quarkus.application.name") String service) {
        var kafka = new KafkaSettings(config.kafka().bootstrapServers(), config.kafka().client());
        Bus bus = Bus.ofNode(kafka, settings.node(), tracing.service(service));
        requireSafe(new TopicAdmin(bus).ensure(BROKER_LIMIT));
        return bus;
    }

    /** Topics that may lose a record of the register, and with it a workload, are no ground to start on. */
    static void requireSafe(List<Finding> findings) {
        findings.forEach(f -> LOG.logf(
                f.getSeverity() == Severity.BLOCKER ? Level.ERROR : Level.WARN,
                "Topics: %s (%s). %s",
                f.getWhat(),
                f.getCode(),
                f.getAdvice()));
        findings.stream()
                .filter(f -> f.getSeverity() == Severity.BLOCKER)
                .findFirst()
                .ifPresent(f -> {
                    throw DecampException.refused(f.getCode(), f.getWhat(), f.getAdvice());
                });
    }

    @Produces
    @Singleton
    EventPublisher publisher(Bus bus, MeterRegistry registry) {
        EventMeters meters = new EventMeters(registry);
        EventPublisher publisher = new EventPublisher(bus, meters);
        meters.watch(publisher);
        return publisher;
    }

    void close(@Disposes EventPublisher publisher) {
        publisher.close();
    }

    @Produces
    @Singleton
    KafkaRegister register(Bus bus) {
        KafkaRegister register = new KafkaRegister(bus);
        register.start();
        register.awaitCaughtUp(BROKER_LIMIT);
        return register;
    }

    void close(@Disposes KafkaRegister register) {
        register.close();
    }

    @Produces
    @Singleton
    CompactedView<NodeAnnounced> nodes(Bus bus) {
        CompactedView<NodeAnnounced> view = CompactedView.start(bus, EventType.NODES);
        view.awaitCaughtUp(BROKER_LIMIT);
        return view;
    }

    void closeNodes(@Disposes CompactedView<NodeAnnounced> view) {
        view.close();
    }

    @Produces
    @Singleton
    NodeDirectory directory(CompactedView<NodeAnnounced> view) {
        return new NodeDirectory() {
            @Override
            public Optional<NodeAnnounced> find(NodeId node) {
                return view.get(node.value());
            }

            @Override
            public List<NodeId> all() {
                return view.all().keySet().stream().map(NodeId::new).toList();
            }
        };
    }

    @Produces
    @Singleton
    SpecView specs(Bus bus, EventPublisher publisher) {
        CompactedView<WorkloadSpec> view = CompactedView.start(bus, EventType.WORKLOADS);
        // a workload whose wish for protection is merely not read yet must not be released
        view.awaitCaughtUp(BROKER_LIMIT);
        return new SpecView(view, publisher);
    }

    void close(@Disposes SpecView specs) {
        specs.close();
    }
}
