package io.decamp.transfer.edge;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.config.DecampConfig;
import io.decamp.edge.config.SpecView;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.linux.proc.MemInfo;
import io.decamp.transfer.engine.replica.PageReceiver;
import io.decamp.transfer.engine.replica.ReceiverLimits;
import io.decamp.transfer.engine.replica.ReplicaStore;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import javax.net.ssl.SSLContext;
import org.jboss.logging.Logger;

/** Listens for pages, tells the others where and how much room there is, and forgets replicas of workloads that nobody wants protected any more. */
@ApplicationScoped
class TransferEdge {
    private static final Logger LOG = Logger.getLogger(TransferEdge.class);
    private static final Duration ANNOUNCE_LIMIT = Duration.ofSeconds(30);
    /** A third of the time after which a coordinator takes a silent node for absent: one may get lost. */
    private static final Duration ANNOUNCE_EVERY = Duration.ofSeconds(5);

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final DecampConfig config;
    private final NodeSettings settings;
    private final SSLContext tls;
    private final ReplicaStore store;
    private final SpecView specs;
    private final EventPublisher publisher;
    private final Clock clock;
    private final ScheduledExecutorService announcer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("announce").factory());
    private PageReceiver receiver;

    TransferEdge(
            DecampConfig config,
            NodeSettings settings,
            SSLContext tls,
            ReplicaStore store,
            SpecView specs,
            EventPublisher publisher,
            Clock clock,
            MeterRegistry meters) {
        this.config = config;
        this.settings = settings;
        this.tls = tls;
        this.store = store;
        this.specs = specs;
        this.publisher = publisher;
        this.clock = clock;
        gauge(meters, "decamp.replica", "Memory that replicas take, estimated from above", ReplicaStore::usedBytes);
        gauge(meters, "decamp.replica.free", "Memory that replicas may still take", ReplicaStore::freeBytes);
    }

    private void gauge(MeterRegistry meters, String name, String description, ToDoubleFunction<ReplicaStore> value) {
        Gauge.builder(name, store, value).baseUnit("bytes").description(description).register(meters);
    }

    void start(@Observes StartupEvent event) throws IOException {
        receiver = PageReceiver.start(
                settings.node(), store, tls, address(config.data().listen()), ReceiverLimits.DEFAULT);
        LOG.infof("Pages are received on %s", receiver.address());
        specs.onChange(this::specified);
        publisher.send(EventType.NODES, announcement(), ANNOUNCE_LIMIT);
        announcer.scheduleWithFixedDelay(
                this::announceAgain, ANNOUNCE_EVERY.toMillis(), ANNOUNCE_EVERY.toMillis(), TimeUnit.MILLISECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        announcer.shutdownNow();
        if (receiver != null) {
            receiver.close();
        }
    }

    private void specified(WorkloadId workload, WorkloadSpec spec) {
        if (spec == null) {
            store.dropAll(workload);
        }
    }

    /** Lost ones do not matter: the next one comes soon. */
    private void announceAgain() {
        try {
            publisher.publish(EventType.NODES, announcement());
        } catch (IOException | RuntimeException e) {
            LOG.warnf("This node is not announced for now: %s", e);
        }
    }

    private NodeAnnounced announcement() throws IOException {
        MemInfo memory = MemInfo.read();
        String advertised = config.data().advertise().orElse(config.data().listen());
        return NodeAnnounced.newBuilder()
                .setNode(settings.node().value())
                .setDataAddress(advertised)
                .setBootId(Files.readString(BOOT_ID).strip())
                .setFreeBytes(store.freeBytes())
                .setMemoryBytes(memory.totalBytes())
                .setAvailableBytes(memory.availableBytes())
                .setAnnouncedUnixMillis(clock.millis())
                .setVersion(TransferEdge.class.getPackage().getImplementationVersion() == null
                        ? "development"
                        : TransferEdge.class.getPackage().getImplementationVersion())
                .build();
    }

    private static InetSocketAddress address(String hostAndPort) {
        int colon = hostAndPort.lastIndexOf(':');
        try {
            return new InetSocketAddress(
                    hostAndPort.substring(0, colon), Integer.parseInt(hostAndPort.substring(colon + 1)));
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw DecampException.refused(
                    "bad-address", "decamp.data.listen is '" + hostAndPort + "'", "Give HOST:PORT");
        }
    }
}
