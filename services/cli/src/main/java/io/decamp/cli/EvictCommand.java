package io.decamp.cli;

import com.google.protobuf.util.JsonFormat;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.Restored;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks for a move as any other program would, by an event, and follows it to its end. */
@Command(
        name = "evict",
        description = "Asks for a workload, or all of a node, to leave now, and follows the move.",
        customSynopsis = {
            "decamp evict WORKLOAD [OPTIONS]",
            "   or: decamp evict --node NODE [--within TIME] [OPTIONS]"
        })
final class EvictCommand implements Callable<Integer> {
    private static final Duration PUBLISH_LIMIT = Duration.ofSeconds(15);

    @Spec
    private CommandSpec spec;

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Parameters(
            arity = "0..1",
            paramLabel = "WORKLOAD",
            description = "as in status; or runc:ID, pid:N or vm:NAME/pid:N with --node; without it, all of --node has to leave")
    private String workload;

    @Option(names = "--node", description = "node it runs on (default: its owner)")
    private String node;

    @Option(
            names = "--within",
            paramLabel = "TIME",
            description = "of a whole node: what is worth most leaves in this time, such as 30s (default: all leave)")
    private String within;

    @Option(names = "--to", description = "destination (default: its standby; of a whole node: wherever there is room)")
    private String destination;

    @Option(names = "--reason", description = "${COMPLETION-CANDIDATES} (default: MANUAL)")
    private Reason reason = Reason.MANUAL;

    @Option(names = "--wait-seconds", description = "how long to follow it (default: ${DEFAULT-VALUE})")
    private int waitSeconds = 300;

    @Option(names = "--json", description = "prints the final event as JSON")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        requireOneOf();
        try (Session session = Session.open(client.settings())) {
            if (workload == null) {
                return wholeNode(session);
            }
            NodeId named = node == null ? null : session.node(node);
            WorkloadId id = session.resolve(workload, named);
            NodeId source = named != null
                    ? named
                    : session.owner(id)
                            .orElseThrow(() -> DecampException.refused(
                                    "workload-unknown",
                                    id + " is not protected, so its node is not known",
                                    "Say where it runs: --node NODE"));
            return evict(session, id, source);
        }
    }

    private void requireOneOf() {
        if (workload == null && node == null) {
            throw new ParameterException(
                    spec.commandLine(), "Name a WORKLOAD, or a whole node with --node NODE");
        }
        if (workload != null && within != null) {
            throw new ParameterException(
                    spec.commandLine(), "--within is for a whole node: leave " + workload + " out, or --within");
        }
    }

    private int wholeNode(Session session) throws Exception {
        var wanted = new NodeEviction.Wanted(
                session.node(node),
                destination == null ? null : session.node(destination),
                reason,
                within == null ? null : Quantity.time(within));
        Evacuation end = new NodeEviction(session, System.out).follow(wanted, Duration.ofSeconds(waitSeconds));
        System.out.println(json ? JsonFormat.printer().print(end) : NodeEviction.table(end));
        return NodeEviction.allMadeIt(end) ? ExitCode.DONE : ExitCode.FAILED;
    }

    private int evict(Session session, WorkloadId id, NodeId source) throws Exception {
        CompletableFuture<Restored> end = new CompletableFuture<>();
        CompletableFuture<String> migration = new CompletableFuture<>();
        Subscription answers = Subscription.fromEnd("evict")
                .on(EventType.RESTORED, e -> {
                    if (e.data().getMigration().equals(migration.join())) {
                        end.complete(e.data());
                    }
                })
                .on(EventType.MIGRATION_FAILED, e -> {
                    boolean mine = e.data().getMigration().equals(migration.join());
                    if (mine && e.data().getCode().equals(MigrationFailedCodes.STILL_FROZEN)) {
                        System.err.println(e.data().getReason() + ". " + e.data().getAdvice());
                    } else if (mine) {
                        end.completeExceptionally(failure(e.data()));
                    }
                });
        try (EventConsumer consumer = EventConsumer.start(session.bus(), answers, session.publisher())) {
            consumer.awaitReady(PUBLISH_LIMIT);
            MigrationRequested request = MigrationRequested.newBuilder()
                    .setWorkload(id.value())
                    .setNode(source.value())
                    .setReason(reason)
                    .setDestination(destination == null ? "" : destination)
                    .build();
            migration.complete(session.publisher()
                    .send(EventType.MIGRATION_REQUESTED, request, PUBLISH_LIMIT)
                    .id());
            Restored r = Waiting.forAnswer(end, Duration.ofSeconds(waitSeconds), "migration " + migration.join());
            print(r);
            return ExitCode.DONE;
        } finally {
            migration.complete("");
        }
    }

    private void print(Restored r) throws Exception {
        if (json) {
            System.out.println(JsonFormat.printer().print(r));
            return;
        }
        System.out.printf("%s runs on %s (migration %s)%n", r.getWorkload(), r.getTo(), r.getMigration());
        System.out.printf(
                "  frozen %s, evicted in %s, %s shipped before the request, %s after it%n",
                Format.micros(r.getFreezeMicros()),
                Format.micros(r.getEvictionMicros()),
                Format.bytes(r.getBytesBefore()),
                Format.bytes(r.getBytesAfter()));
    }

    private static DecampException failure(MigrationFailed f) {
        String what = f.getReason() + " [" + f.getStep() + ", " + f.getTruth() + "]";
        return f.getStep().equals("request")
                ? DecampException.refused(f.getCode(), what, f.getAdvice())
                : DecampException.abort(f.getCode(), what, f.getAdvice(), null);
    }
}
