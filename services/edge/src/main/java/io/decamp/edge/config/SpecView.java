package io.decamp.edge.config;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventPublisher;
import java.time.Duration;
import java.util.function.BiConsumer;
import org.jboss.logging.Logger;

/** The desired state: which workloads are protected and how. */
public final class SpecView implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(SpecView.class);
    private static final Duration REMOVE_LIMIT = Duration.ofSeconds(10);

    private final CompactedView<WorkloadSpec> view;
    private final EventPublisher publisher;

    SpecView(CompactedView<WorkloadSpec> view, EventPublisher publisher) {
        this.view = view;
        this.publisher = publisher;
    }

    /** Tells every workload that is there and every change; null for one that is not wanted any more. */
    public void onChange(BiConsumer<WorkloadId, WorkloadSpec> listener) {
        view.onChange((key, spec) -> {
            try {
                listener.accept(new WorkloadId(key), spec.orElse(null));
            } catch (DecampException e) {
                LOG.warnf("Topic %s: %s. %s", EventType.WORKLOADS.topic(), e.getMessage(), e.advice());
            }
        });
    }

    /** Never throws: a workload that stays in the topic is reported again, not moved. */
    public void remove(WorkloadId workload) {
        try {
            publisher.remove(EventType.WORKLOADS, workload.value(), REMOVE_LIMIT);
        } catch (DecampException e) {
            LOG.warnf("%s stays in the desired state: %s", workload, e.getMessage());
        }
    }

    @Override
    public void close() {
        view.close();
    }
}
