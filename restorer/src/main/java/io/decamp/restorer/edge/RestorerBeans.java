package io.decamp.restorer.edge;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.linux.cgroup.FreezerHierarchy;
import io.decamp.restorer.engine.lazy.LazyPageServers;
import io.decamp.restorer.engine.lazy.LazyPages;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;

/** The page servers of this node as a bean. */
@ApplicationScoped
class RestorerBeans {
    private static final Duration FREEZE_LIMIT = Duration.ofSeconds(5);

    @Produces
    @Singleton
    LazyPages lazyPages(NodeSettings settings, WorkloadRuntimes sources, EventPublisher publisher) {
        var teller = new LazyTeller(id -> freeze(sources, id), publisher, settings.node());
        return new LazyPageServers(settings.memoryDirectory().resolve("lazy"), teller);
    }

    void close(@Disposes LazyPages lazyPages) {
        lazyPages.close();
    }

    /** In the cgroup that it was restored into, which is its own. */
    private static void freeze(WorkloadRuntimes sources, WorkloadId id) {
        int init = sources.byKind().get(id.kind()).find(id).initPid();
        FreezerHierarchy.detect().of(init).filter(c -> !c.isRoot()).ifPresent(c -> c.freeze(FREEZE_LIMIT));
    }
}
