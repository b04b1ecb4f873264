package io.decamp.edge.config;

import com.google.protobuf.Message;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.edge.kafka.EventPublisher;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Counts what this node says about its work: numbers and events can't disagree. No label names a workload, so that the
 * number of time series does not grow with what is moved.
 */
final class EventMeters implements Consumer<Message> {
    private static final String MIGRATIONS = "decamp.migrations";
    private static final String OUTCOME = "outcome";
    private static final String CODE = "code";

    private final MeterRegistry registry;
    private final Counter epochs;
    private final Counter pagesWritten;
    private final Counter pagesShipped;
    private final Counter bytesShipped;
    private final Timer shipping;
    private final Timer interval;
    private final Timer predicted;
    private final DistributionSummary overhead;
    private final DistributionSummary predictionError;
    private final Timer freeze;
    private final Timer eviction;
    private final Counter restored;

    EventMeters(MeterRegistry registry) {
        this.registry = registry;
        epochs = counter("decamp.epochs", "Epochs sealed at a destination");
        pagesWritten = counter("decamp.pages.written", "Pages that scans found written");
        pagesShipped = counter("decamp.pages.shipped", "Pages sent with their bytes");
        bytesShipped = Counter.builder("decamp.wire")
                .baseUnit("bytes")
                .description("Bytes of the page stream on the wire, before requests; headers included")
                .register(registry);
        shipping = timer("decamp.epoch", "Reading, sending and sealing one epoch");
        interval = timer("decamp.interval", "Chosen until the next epoch");
        predicted = timer("decamp.eviction.predicted", "Eviction asked for just before the next epoch, predicted");
        overhead = share("decamp.overhead", "Of one processor, that tracking takes from a workload, predicted");
        predictionError = share("decamp.prediction.error", "|predicted - real| / real of evictions and dry runs");
        freeze = timer("decamp.freeze", "From the freeze at the source to the release here");
        eviction = timer("decamp.eviction", "From the request to the release here");
        restored = Counter.builder(MIGRATIONS)
                .description("Migrations that ended at this node, by outcome")
                .tag(OUTCOME, "restored")
                .tag(CODE, "none")
                .register(registry);
    }

    /** Reads the publisher's own counts whenever somebody asks for the metrics. */
    void watch(EventPublisher publisher) {
        FunctionCounter.builder("decamp.events.dropped", publisher, EventPublisher::dropped)
                .description("Events that no broker took")
                .register(registry);
        Gauge.builder("decamp.events.pending", publisher, EventPublisher::pending)
                .description("Events that wait for a broker's acknowledgement")
                .register(registry);
    }

    @Override
    public void accept(Message event) {
        switch (event) {
            case PagesDirty e -> {
                epochs.increment();
                pagesWritten.increment(e.getPagesWritten());
                pagesShipped.increment(e.getPagesShipped());
                bytesShipped.increment(e.getBytesShipped());
                shipping.record(e.getShipMicros(), TimeUnit.MICROSECONDS);
                decided(e);
            }
            case EvictionMeasured e -> {
                long told = e.getPredicted().getTotalMicros();
                long real = e.getReal().getTotalMicros();
                if (told > 0 && real > 0) {
                    predictionError.record(Math.abs(told - real) / (double) real);
                }
            }
            case Restored e -> {
                restored.increment();
                freeze.record(e.getFreezeMicros(), TimeUnit.MICROSECONDS);
                eviction.record(e.getEvictionMicros(), TimeUnit.MICROSECONDS);
            }
            // codes are a fixed set
            case MigrationFailed e ->
                registry.counter(MIGRATIONS, OUTCOME, "failed", CODE, e.getCode()).increment();
            default -> {
                // said for others to act on, nothing to count
            }
        }
    }

    /** Epochs of a move have no interval, and nothing was decided after them. */
    private void decided(PagesDirty e) {
        if (e.getIntervalMicros() > 0) {
            interval.record(e.getIntervalMicros(), TimeUnit.MICROSECONDS);
            predicted.record(e.getPredictedEvictionMicros(), TimeUnit.MICROSECONDS);
            overhead.record(e.getOverhead());
            // states are a fixed set
            registry.counter("decamp.objective.epochs", "state", state(e)).increment();
        }
    }

    private static String state(PagesDirty e) {
        return e.getObjective().getState().name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private DistributionSummary share(String name, String description) {
        return DistributionSummary.builder(name).description(description).register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name).description(description).register(registry);
    }
}
