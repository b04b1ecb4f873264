package io.decamp.node;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Replicas;
import io.decamp.edge.config.DecampConfig;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.restorer.engine.lazy.LazyPages;
import io.decamp.restorer.engine.runtime.PidCopy;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.health.api.Wellness;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.util.List;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;

import org.jboss.logging.Logger;

/** Rehearses once the node is ready, beside its work, and tells how it went. */
@ApplicationScoped
@Wellness
class RehearsalEdge implements HealthCheck {
    private static final Logger LOG = Logger.getLogger(RehearsalEdge.class);
    /** After the services have started, before the node calls itself ready. */
    private static final int AFTER_SERVICES = Integer.MAX_VALUE - 1;

    private final Rehearsal rehearsal;
    private final boolean wanted;
    private volatile String result = "not yet";
    private volatile boolean failed;

    RehearsalEdge(
            DecampConfig config,
            NodeSettings settings,
            WorkloadRuntimes runtimes,
            LazyPages lazyPages,
            MemorySource memory,
            PageTransport transport,
            Replicas replicas,
            HandoffRegister register,
            Clock clock) {
        wanted = config.rehearse();
        rehearsal = new Rehearsal(
                settings,
                config.data().listen(),
                runtimes.byKind().get("pid"),
                List.of(new PidCopy(settings, lazyPages, Long.MAX_VALUE), new PidCopy(settings, lazyPages, 0)),
                memory,
                transport,
                replicas,
                register,
                clock::millis);
    }

    void start(@Observes @Priority(AFTER_SERVICES) StartupEvent event) {
        if (wanted) {
            Thread.ofPlatform().daemon().name("rehearsal").start(this::run);
        }
    }

    private void run() {
        try {
            long millis = rehearsal.run();
            result = "done in " + millis + " ms";
            LOG.infof("Rehearsed an eviction to this node itself: %s", result);
        } catch (DecampException e) {
            failed = true;
            result = e.getMessage() + ". " + e.advice();
            LOG.errorf("This node may not be able to evict or to receive: %s (%s). %s", e.getMessage(), e.code(), e.advice());
        } catch (RuntimeException e) {
            failed = true;
            result = e.toString();
            LOG.error("This node may not be able to evict or to receive", e);
        }
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("rehearsal")
                .status(!failed)
                .withData("result", result)
                .build();
    }
}
