package io.decamp.snapshotter.edge;

import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeDirectory;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.edge.config.DecampConfig;
import io.decamp.edge.config.SpecView;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.trace.Tracing;
import io.decamp.snapshotter.engine.ProtectionState;
import io.decamp.snapshotter.engine.RequestGate;
import io.decamp.snapshotter.engine.Snapshotter;
import io.decamp.snapshotter.engine.SnapshotterPorts;
import io.decamp.snapshotter.engine.handoff.HandoffLimits;
import io.decamp.snapshotter.engine.handoff.OfferMarks;
import io.decamp.snapshotter.engine.handoff.SourceHandoff;
import io.decamp.snapshotter.engine.arbiter.LinkArbiter;
import io.decamp.snapshotter.engine.propagation.PropagationPolicy;
import io.opentelemetry.context.Context;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.util.Map;

/** Joins the snapshotter's engine to the topics it reads and to the node it runs on. */
@ApplicationScoped
class SnapshotterEdge {
    private final String group;
    private final Bus bus;
    private final EventPublisher publisher;
    private final SpecView specs;
    private final KafkaRegister register;
    private final RequestGate gate;
    private final Snapshotter snapshotter;
    private EventConsumer requests;

    SnapshotterEdge(
            NodeSettings settings,
            DecampConfig config,
            WorkloadRuntimes runtimes,
            MemorySource memory,
            PageTransport transport,
            KafkaRegister register,
            NodeDirectory nodes,
            Bus bus,
            EventPublisher publisher,
            SpecView specs,
            Tracing tracing,
            Clock clock) {
        this.bus = bus.with(tracing.service("snapshotter"));
        this.publisher = publisher;
        this.specs = specs;
        this.register = register;
        this.gate = new RequestGate(settings.node(), publisher, clock);
        var ports = new SnapshotterPorts(
                settings, runtimes.byKind(), memory, transport, register, nodes, publisher,
                PropagationPolicy.named(config.propagation()),
                new LinkArbiter(),
                tracing.service("snapshotter").getTracer("io.decamp.snapshotter"), clock);
        var handoff = new SourceHandoff(
                settings.node(),
                id -> runtimes.byKind().get(id.kind()),
                register,
                new OfferMarks(settings.memoryDirectory()),
                HandoffLimits.DEFAULT,
                clock);
        this.snapshotter = new Snapshotter(ports, handoff, specs::remove);
        this.group = "decamp-snapshotter-" + settings.node();
    }

    void start(@Observes StartupEvent event) {
        specs.onChange(snapshotter::specified);
        register.states().keySet().forEach(snapshotter::look);
        requests = EventConsumer.start(
                bus,
                Subscription.group("requests", group, RequestGate.DEFAULT_VALIDITY)
                        .on(EventType.MIGRATION_REQUESTED, this::requested),
                publisher);
    }

    void stop(@Observes ShutdownEvent event) {
        if (requests != null) {
            requests.close();
        }
        snapshotter.close();
    }

    Map<WorkloadId, ProtectionState> states() {
        return snapshotter.states();
    }

    private void requested(Event<MigrationRequested> event) {
        gate.admit(event.header().id(), event.header().time(), event.data(), Context.current())
                .ifPresent(snapshotter::requested);
    }
}
