package io.decamp.restorer.edge;

import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.config.DecampConfig;
import io.decamp.edge.config.SpecView;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.trace.Tracing;
import io.decamp.restorer.engine.handoff.CopyFiles;
import io.decamp.restorer.engine.handoff.DestinationHandoff;
import io.decamp.restorer.engine.handoff.DestinationLimits;
import io.decamp.restorer.engine.handoff.DestinationPorts;
import io.decamp.restorer.engine.handoff.DestinationStep;
import io.decamp.restorer.engine.lazy.LazyPages;
import io.decamp.restorer.engine.runtime.PidCopy;
import io.decamp.restorer.engine.runtime.RuncCopy;
import io.decamp.restorer.engine.vm.VmCopy;
import io.opentelemetry.context.Context;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;

/** Joins the restorer's engine to the topics it reads and to the node it runs on. */
@ApplicationScoped
class RestorerEdge {
    private static final Logger LOG = Logger.getLogger(RestorerEdge.class);
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    /** A snapshot-ready that was said while this service restarted still counts; an older one was never offered. */
    private static final Duration LOOK_BACK = Duration.ofMinutes(5);


    private final Bus bus;
    private final EventPublisher publisher;
    private final String group;
    private final KafkaRegister register;
    private final SpecView specs;
    private final NodeId me;
    private final LazyPages lazyPages;
    private final VmCopy vmCopies;
    private final DestinationHandoff handoff;
    private EventConsumer snapshots;

    RestorerEdge(
            DecampConfig config,
            NodeSettings settings,
            WorkloadRuntimes sources,
            LazyPages lazyPages,
            Replicas replicas,
            KafkaRegister register,
            SpecView specs,
            Bus bus,
            EventPublisher publisher,
            Tracing tracing,
            Clock clock)
            throws IOException {
        this.bus = bus.with(tracing.service("restorer"));
        this.publisher = publisher;
        this.register = register;
        this.specs = specs;
        this.me = settings.node();
        this.group = "decamp-restorer-" + settings.node();
        this.lazyPages = lazyPages;
        long lazyFromBytes = config.restore().lazyFromBytes();
        this.vmCopies = new VmCopy(settings);
        Map<String, CopyRuntime> copies = Map.of(
                "pid", new PidCopy(settings, lazyPages, lazyFromBytes),
                "runc", new RuncCopy(settings, lazyPages, lazyFromBytes),
                "vm", vmCopies);
        this.handoff = new DestinationHandoff(new DestinationPorts(
                settings.node(),
                id -> copies.get(id.kind()),
                id -> sources.byKind().get(id.kind()),
                replicas,
                register,
                publisher,
                new CopyFiles(settings.memoryDirectory(), settings.stateDirectory()),
                List.of(),
                Files.readString(BOOT_ID).strip(),
                DestinationLimits.DEFAULT,
                tracing.service("restorer").getTracer("io.decamp.restorer"),
                clock));
    }

    void start(@Observes StartupEvent event) {
        List<WorkloadId> served = lazyPages.takeOver();
        if (!served.isEmpty()) {
            LOG.infof("Serves memory again of %s", served);
        }
        vmCopies.start();
        handoff.start();
        register.states().keySet().forEach(handoff::look);
        specs.onChange(this::specified);
        snapshots = EventConsumer.start(
                bus,
                Subscription.group("snapshots", group, LOOK_BACK)
                        .on(EventType.SNAPSHOT_READY, e -> handoff.ready(e.data(), Context.current())),
                publisher);
    }

    void stop(@Observes ShutdownEvent event) {
        if (snapshots != null) {
            snapshots.close();
        }
        handoff.close();
        vmCopies.close();
    }

    private void specified(WorkloadId workload, WorkloadSpec spec) {
        if (spec == null || !spec.getNodesList().contains(me.value())) {
            handoff.cool(workload);
        }
    }

    Map<WorkloadId, DestinationStep> steps() {
        return handoff.steps();
    }
}
