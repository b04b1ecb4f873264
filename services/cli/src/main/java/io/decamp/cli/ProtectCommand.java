package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks for a workload's memory to be shipped from now on, and waits until its first epoch is sealed. */
@Command(name = "protect", description = "Ships a workload's memory to a standby node from now on.")
final class ProtectCommand implements Callable<Integer> {
    private static final Duration PUBLISH_LIMIT = Duration.ofSeconds(15);

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Parameters(paramLabel = "WORKLOAD", description = "runc:ID, or pid:N")
    private String workload;

    @Option(names = "--node", description = "node it runs on (default: the only one)")
    private String node;

    @Option(names = "--standby", required = true, description = "node that keeps its replica")
    private String standby;

    @Option(names = "--min-interval-millis", description = "lower bound between epochs (default: 500)")
    private long minIntervalMillis;

    @Option(names = "--max-interval-millis", description = "upper bound between epochs (default: 5000)")
    private long maxIntervalMillis;

    @Option(names = "--write-faults-per-second", description = "budget of write faults (default: 10000)")
    private long writeFaultsPerSecond;

    @Option(names = "--bandwidth-bytes-per-second", description = "cap on shipping (default: none)")
    private long bandwidth;

    @Option(names = "--wait-seconds", description = "how long to wait for the first epoch (default: ${DEFAULT-VALUE})")
    private int waitSeconds = 300;

    @Override
    public Integer call() throws Exception {
        requirePositive("--min-interval-millis", minIntervalMillis);
        requirePositive("--max-interval-millis", maxIntervalMillis);
        requirePositive("--write-faults-per-second", writeFaultsPerSecond);
        requirePositive("--bandwidth-bytes-per-second", bandwidth);
        try (Session session = Session.open(client.settings())) {
            NodeId source = session.node(node);
            NodeId target = session.node(standby);
            if (source.equals(target)) {
                throw DecampException.refused(
                        "standby-is-source", "Node " + source + " can't be its own standby", "Name another node");
            }
            WorkloadId id = session.resolve(workload, source);
            session.owner(id).filter(owner -> !owner.equals(source)).ifPresent(owner -> {
                throw DecampException.refused(
                        "workload-elsewhere", id + " belongs to node " + owner, "Say --node " + owner);
            });
            SharedFate.reason(session, source).ifPresent(why -> System.err.println("decamp: warning: " + why));
            return protect(session, id, source, target);
        }
    }

    private int protect(Session session, WorkloadId id, NodeId source, NodeId target) throws Exception {
        CompletableFuture<PagesDirty> first = new CompletableFuture<>();
        Subscription answers = Subscription.fromEnd("protect")
                .on(EventType.PAGES_DIRTY, e -> shipped(e, id, first))
                .on(EventType.MIGRATION_FAILED, e -> refused(e, id, first));
        try (EventConsumer consumer = EventConsumer.start(session.bus(), answers, session.publisher())) {
            consumer.awaitReady(PUBLISH_LIMIT);
            session.publisher().send(EventType.WORKLOADS, spec(id, source, target), PUBLISH_LIMIT);
            PagesDirty epoch = Waiting.forAnswer(first, Duration.ofSeconds(waitSeconds), id + " to be shipped once");
            System.out.printf(
                    "%s is protected: epoch %d, %s tracked on %s, replica on %s%n",
                    id, epoch.getEpoch(), Format.bytes(epoch.getTrackedBytes()), source, target);
            return ExitCode.DONE;
        }
    }

    private WorkloadSpec spec(WorkloadId id, NodeId source, NodeId target) {
        return WorkloadSpec.newBuilder()
                .setWorkload(id.value())
                .setLocator(workload)
                .addNodes(source.value())
                .addNodes(target.value())
                .setPolicy(Policy.newBuilder()
                        .setMinIntervalMicros(minIntervalMillis * 1000)
                        .setMaxIntervalMicros(maxIntervalMillis * 1000)
                        .setWriteFaultsPerSecond(writeFaultsPerSecond)
                        .setBandwidthBytesPerSecond(bandwidth))
                .build();
    }

    private static void shipped(Event<PagesDirty> e, WorkloadId id, CompletableFuture<PagesDirty> first) {
        if (e.data().getWorkload().equals(id.value())) {
            first.complete(e.data());
        }
    }

    private static void refused(Event<MigrationFailed> e, WorkloadId id, CompletableFuture<?> first) {
        MigrationFailed f = e.data();
        if (f.getWorkload().equals(id.value()) && !f.getCode().equals(MigrationFailedCodes.STILL_FROZEN)) {
            first.completeExceptionally(DecampException.refused(f.getCode(), f.getReason(), f.getAdvice()));
        }
    }

    private static void requirePositive(String option, long value) {
        if (value < 0) {
            throw DecampException.refused("bad-option", option + " " + value + " is negative", "Give a positive number");
        }
    }
}
