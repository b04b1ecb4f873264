package io.decamp.coordinator.edge;

import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.coordinator.engine.CoordinatorLimits;
import io.decamp.edge.config.DecampConfig;
import io.decamp.edge.config.SpecView;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.trace.Tracing;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/** Starts a coordinator where one is wanted: as a service of its own, or within a node that is told to. */
@ApplicationScoped
class CoordinatorEdge {
    private static final Logger LOG = Logger.getLogger(CoordinatorEdge.class);
    private static final String SERVICE = "coordinator";

    private final DecampConfig config;
    private final boolean ownProcess;
    private final Bus bus;
    private final Tracing tracing;
    private final EventPublisher publisher;
    private final KafkaRegister register;
    private final CompactedView<NodeAnnounced> nodes;
    private final SpecView specs;
    private KafkaCoordinator coordinator;

    CoordinatorEdge(
            DecampConfig config,
            @ConfigProperty(name = "quarkus.application.name") String service,
            Bus bus,
            Tracing tracing,
            EventPublisher publisher,
            KafkaRegister register,
            CompactedView<NodeAnnounced> nodes,
            SpecView specs) {
        this.config = config;
        this.ownProcess = service.equals(SERVICE);
        this.bus = bus;
        this.tracing = tracing;
        this.publisher = publisher;
        this.register = register;
        this.nodes = nodes;
        this.specs = specs;
    }

    void start(@Observes StartupEvent event) {
        if (!ownProcess && !config.coordinator().enabled()) {
            return;
        }
        coordinator = KafkaCoordinator.start(
                bus.with(tracing.service(SERVICE)),
                publisher,
                CoordinatorLimits.DEFAULT.withMovesAtOnce(config.coordinator().movesAtOnce()),
                register,
                nodes::onChange,
                listener -> specs.onChange((id, spec) -> listener.accept(id.value(), Optional.ofNullable(spec))));
        LOG.infof("A coordinator works here, %d moves of a node at a time", config.coordinator().movesAtOnce());
    }

    void stop(@Observes ShutdownEvent event) {
        if (coordinator != null) {
            coordinator.close();
        }
    }
}
