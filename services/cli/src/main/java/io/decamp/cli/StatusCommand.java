package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is protected, where it is, how it does. Reads topics only, so that it works wherever the broker is reached. */
@Command(name = "status", description = "Shows what is protected and what moves.")
final class StatusCommand implements Callable<Integer> {
    private static final Duration READY_LIMIT = Duration.ofSeconds(15);
    /** An epoch's report older than this says that shipping has stopped: the longest interval, twice. */
    private static final Duration LOOK_BACK = Duration.ofMinutes(2);
    /** A move reports several times a second; silent for longer, it stands still. */
    private static final Duration LOOK_BACK_MOVES = Duration.ofSeconds(5);
    /** Evictions that the error of the prediction is drawn from. */
    private static final Duration LOOK_BACK_EVICTIONS = Duration.ofDays(1);
    /** What a workload waits for is said once. */
    private static final Duration LOOK_BACK_TROUBLES = Duration.ofHours(1);
    /** Reading what is there takes this long at most; a report that is missing then is shown as missing. */
    private static final long COLLECT_MILLIS = 800;

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Parameters(arity = "0..1", paramLabel = "WORKLOAD", description = "only this one; with --json, all that was learned of it")
    private String only;

    @Option(names = "--watch", description = "shows it anew every second until interrupted")
    private boolean watch;

    @Option(names = "--json", description = "for programs")
    private boolean json;

    private final Map<String, PagesDirty> epochs = new ConcurrentHashMap<>();
    private final Map<String, Event<MigrationFailed>> failures = new ConcurrentHashMap<>();
    private final Map<String, Event<MigrationProgress>> moves = new ConcurrentHashMap<>();
    private final Map<String, PredictionErrors> evictions = new ConcurrentHashMap<>();

    @Override
    public Integer call() throws InterruptedException {
        Subscription reports = Subscription.recent("status", LOOK_BACK)
                .on(EventType.PAGES_DIRTY, e -> epochs.put(e.data().getWorkload(), e.data()))
                .on(EventType.MIGRATION_PROGRESS, e -> moves.put(e.data().getWorkload(), e))
                .on(EventType.RESTORED, e -> {
                    failures.remove(e.data().getWorkload());
                    moves.remove(e.data().getWorkload());
                });
        Subscription troubles = Subscription.recent("status-troubles", LOOK_BACK_TROUBLES)
                .on(EventType.MIGRATION_FAILED, e -> failures.put(e.data().getWorkload(), e));
        Subscription past = Subscription.recent("status-evictions", LOOK_BACK_EVICTIONS)
                .on(EventType.EVICTIONS, e -> evictions
                        .computeIfAbsent(e.data().getWorkload(), id -> new PredictionErrors())
                        .add(e.data()));
        CountDownLatch never = new CountDownLatch(1);
        try (Session session = Session.open(client.settings());
                EventConsumer consumer = EventConsumer.start(session.bus(), reports, session.publisher());
                EventConsumer waiting = EventConsumer.start(session.bus(), troubles, session.publisher());
                EventConsumer measured = EventConsumer.start(session.bus(), past, session.publisher())) {
            consumer.awaitReady(READY_LIMIT);
            waiting.awaitReady(READY_LIMIT);
            measured.awaitReady(READY_LIMIT);
            never.await(COLLECT_MILLIS, TimeUnit.MILLISECONDS);
            print(session);
            while (watch && !never.await(1, TimeUnit.SECONDS)) {
                System.out.println();
                print(session);
            }
            return ExitCode.DONE;
        }
    }

    private void print(Session session) {
        Map<String, StatusRow> rows = new TreeMap<>();
        session.workloads().forEach((key, spec) -> rows.put(key, row(session, new WorkloadId(key))));
        session.register().states().forEach((id, state) -> {
            if (!(state instanceof HandoffState.Unowned)) {
                rows.putIfAbsent(id.value(), row(session, id));
            }
        });
        if (only != null) {
            String id = session.resolve(only, null).value();
            rows.keySet().retainAll(Set.of(id));
            if (rows.isEmpty()) {
                throw DecampException.refused("not-protected", id + " is not protected", "See ./decamp status");
            }
        }
        System.out.println(json ? StatusJson.of(session.nodes(), rows.values(), only != null) : StatusRow.toTable(rows.values()));
    }

    private StatusRow row(Session session, WorkloadId id) {
        HandoffState owner = session.register().current(id);
        MigrationFailed failure = Optional.ofNullable(failures.get(id.value()))
                .filter(f -> isOpen(owner) || f.header().time().isAfter(Instant.now().minus(LOOK_BACK)))
                .map(Event::data)
                .orElse(null);
        MigrationProgress move = Optional.ofNullable(moves.get(id.value()))
                .filter(m -> m.header().time().isAfter(Instant.now().minus(LOOK_BACK_MOVES)))
                .map(Event::data)
                .orElse(null);
        PredictionErrors errors = evictions.getOrDefault(id.value(), new PredictionErrors());
        return new StatusRow(id, owner, epochs.get(id.value()), failure, move, errors);
    }

    private static boolean isOpen(HandoffState owner) {
        return owner instanceof HandoffState.Offered || owner instanceof HandoffState.Taken;
    }
}
