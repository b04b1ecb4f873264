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
import java.util.List;
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

    @Parameters(paramLabel = "WORKLOAD", description = "runc:ID, pid:N or vm:NAME/pid:N")
    private String workload;

    @Option(names = "--node", description = "node it runs on (default: the only one)")
    private String node;

    @Option(
            names = "--standby",
            description = "node that keeps its replica (default: the only other node, else the coordinator's choice)")
    private String standby;

    @Mixin
    private PolicyOptions policy;

    @Option(names = "--wait-seconds", description = "how long to wait for the first epoch (default: ${DEFAULT-VALUE})")
    private int waitSeconds = 300;

    @Override
    public Integer call() throws Exception {
        Policy wanted = policy.policy();
        try (Session session = Session.open(client.settings())) {
            NodeId source = session.node(node);
            NodeId target = standby == null ? onlyOther(session, source) : session.node(standby);
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
            return protect(session, spec(id, source, target, wanted), id, source);
        }
    }

    /** @return null when there are several to choose from, which is a coordinator's to do */
    private static NodeId onlyOther(Session session, NodeId source) {
        List<String> others = session.nodes().keySet().stream()
                .filter(name -> !name.equals(source.value()))
                .toList();
        if (others.isEmpty()) {
            throw DecampException.refused(
                    "no-standby", "There is no node but " + source, "Start Decamp on another machine: ./decamp up");
        }
        return others.size() == 1 ? new NodeId(others.getFirst()) : null;
    }

    private int protect(Session session, WorkloadSpec spec, WorkloadId id, NodeId source) throws Exception {
        CompletableFuture<PagesDirty> first = new CompletableFuture<>();
        Subscription answers = Subscription.fromEnd("protect")
                .on(EventType.PAGES_DIRTY, e -> shipped(e, id, first))
                .on(EventType.MIGRATION_FAILED, e -> refused(e, id, first));
        try (EventConsumer consumer = EventConsumer.start(session.bus(), answers, session.publisher())) {
            consumer.awaitReady(PUBLISH_LIMIT);
            session.publisher().send(EventType.WORKLOADS, spec, PUBLISH_LIMIT);
            PagesDirty epoch = Waiting.forAnswer(first, Duration.ofSeconds(waitSeconds), id + " to be shipped once");
            System.out.printf(
                    "%s is protected: epoch %d, %s tracked on %s, replica on %s%n",
                    id, epoch.getEpoch(), Format.bytes(epoch.getTrackedBytes()), source, epoch.getStandby());
            return ExitCode.DONE;
        }
    }

    private WorkloadSpec spec(WorkloadId id, NodeId source, NodeId target, Policy wanted) {
        WorkloadSpec.Builder spec = WorkloadSpec.newBuilder()
                .setWorkload(id.value())
                .setLocator(workload)
                .addNodes(source.value())
                .setPolicy(wanted);
        if (target != null) {
            spec.addNodes(target.value());
        }
        return spec.build();
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
}
