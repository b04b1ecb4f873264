package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvacuationItem;
import io.decamp.contracts.v1.EvacuationItem.State;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Asks for a whole node to be emptied, and tells how it goes on. The plan is a coordinator's; this only reads topics.
 */
public final class NodeEviction {
    private static final Duration PUBLISH_LIMIT = Duration.ofSeconds(15);
    /** As long as the share of a coordinator that died takes to fall to another one, twice. */
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(15);
    /** Between two lines of progress. */
    private static final long LINE_MILLIS = 500;

    private static final String ROW = "%-28s %-8s %-12s %8s %10s %10s  %s%n";

    /**
     * What a person asks for.
     *
     * @param destination null: wherever there is room
     * @param within null: as long as it takes
     */
    public record Wanted(NodeId node, NodeId destination, Reason reason, Duration within) {}

    private final Session session;
    private final PrintStream progress;
    private final Duration answerLimit;
    private final Map<String, MigrationProgress> moves = new HashMap<>();
    private String id = "";
    private Evacuation last;
    private MigrationFailed refusal;
    private String lastLine = "";

    public NodeEviction(Session session, PrintStream progress) {
        this(session, progress, ANSWER_LIMIT);
    }

    NodeEviction(Session session, PrintStream progress, Duration answerLimit) {
        this.session = session;
        this.progress = progress;
        this.answerLimit = answerLimit;
    }

    /**
     * Returns when it is over.
     *
     * @throws DecampException {@code no-coordinator}: nobody took it on, and nobody will; {@code no-answer}: it goes on
     *     and is not followed any more; else the code it was refused with
     */
    public Evacuation follow(Wanted wanted, Duration limit) throws InterruptedException {
        Subscription answers = Subscription.fromEnd("evict-node")
                .on(EventType.MIGRATION_PROGRESS, e -> moved(e.data()))
                .on(EventType.MIGRATION_FAILED, e -> failed(e.data()));
        try (CompactedView<Evacuation> evacuations = CompactedView.start(session.bus(), EventType.EVACUATIONS);
                EventConsumer consumer = EventConsumer.start(session.bus(), answers, session.publisher())) {
            consumer.awaitReady(PUBLISH_LIMIT);
            evacuations.awaitCaughtUp(PUBLISH_LIMIT);
            ask(wanted);
            evacuations.onChange((key, evacuation) -> evacuation.ifPresent(this::changed));
            return await(wanted, limit);
        }
    }

    private synchronized void ask(Wanted wanted) {
        long now = System.currentTimeMillis();
        MigrationRequested.Builder request = MigrationRequested.newBuilder()
                .setNode(wanted.node().value())
                .setReason(wanted.reason())
                .setDestination(wanted.destination() == null ? "" : wanted.destination().value())
                // who starts a coordinator later is not to find it
                .setValidUntilUnixMillis(now + answerLimit.toMillis());
        if (wanted.within() != null) {
            request.setDeadlineUnixMillis(now + wanted.within().toMillis());
        }
        id = session.publisher()
                .send(EventType.MIGRATION_REQUESTED, request.build(), PUBLISH_LIMIT)
                .id();
    }

    private synchronized void moved(MigrationProgress move) {
        moves.put(move.getMigration(), move);
        notifyAll();
    }

    private synchronized void failed(MigrationFailed failure) {
        if (failure.getMigration().equals(id)) {
            refusal = failure;
            notifyAll();
        }
    }

    private synchronized void changed(Evacuation evacuation) {
        if (evacuation.getEvacuation().equals(id)) {
            last = evacuation;
            notifyAll();
        }
    }

    private synchronized Evacuation await(Wanted wanted, Duration limit) throws InterruptedException {
        long answerBy = System.nanoTime() + answerLimit.toNanos();
        long endBy = System.nanoTime() + limit.toNanos();
        while (last == null || !last.getDone()) {
            if (refusal != null) {
                throw DecampException.refused(refusal.getCode(), refusal.getReason(), refusal.getAdvice());
            }
            if (last == null && System.nanoTime() - answerBy > 0) {
                throw DecampException.refused(
                        "no-coordinator",
                        "No coordinator answered within " + answerLimit.toSeconds() + " s: nobody empties "
                                + wanted.node(),
                        "Start one with ./decamp up --coordinator, on this machine or another, and ask again");
            }
            if (System.nanoTime() - endBy > 0) {
                throw DecampException.retry(
                        "no-answer",
                        "Followed evacuation " + id + " for " + limit.toSeconds() + " s; it goes on",
                        "See ./decamp status; --wait-seconds follows it for longer",
                        null);
            }
            wait(LINE_MILLIS);
            print();
        }
        return last;
    }

    private void print() {
        if (last == null || last.getDone() || last.getItemsCount() == 0) {
            return;
        }
        String line = String.format(Locale.ROOT, "  %3.0f %%  %s", 100 * share(last, moves), last.getSummary());
        if (!line.equals(lastLine)) {
            progress.println(line);
            lastLine = line;
        }
    }

    /** Done, 0..1, by predicted time. */
    static double share(Evacuation evacuation, Map<String, MigrationProgress> moves) {
        double all = 0;
        double done = 0;
        for (EvacuationItem item : evacuation.getItemsList()) {
            double size = Math.max(1, item.getPredictedMicros());
            MigrationProgress move = moves.get(item.getMigration());
            all += size;
            done += size
                    * switch (item.getState()) {
                        case MOVED, FAILED, LEFT -> 1;
                        case MOVING -> move == null ? 0 : Math.clamp(move.getShare(), 0.0, 1.0);
                        default -> 0;
                    };
        }
        return all == 0 ? 1 : done / all;
    }

    /** Whether none is left behind. */
    public static boolean allMadeIt(Evacuation end) {
        return end.getItemsList().stream().allMatch(item -> item.getState() == State.MOVED);
    }

    static String table(Evacuation end) {
        StringBuilder out = new StringBuilder();
        if (end.getItemsCount() > 0) {
            out.append(String.format(
                    Locale.ROOT, ROW, "WORKLOAD", "STATE", "NODE", "PRIORITY", "PREDICTED", "TOOK", ""));
            end.getItemsList().forEach(item -> out.append(row(end, item)));
        }
        return out.append(end.getSummary()).toString();
    }

    private static String row(Evacuation end, EvacuationItem item) {
        boolean moved = item.getState() == State.MOVED;
        boolean started = item.getStartedUnixMillis() > 0;
        boolean late = moved
                && end.getDeadlineUnixMillis() > 0
                && item.getEndedUnixMillis() > end.getDeadlineUnixMillis();
        return String.format(
                Locale.ROOT,
                ROW,
                item.getWorkload(),
                item.getState().name().toLowerCase(Locale.ROOT),
                moved ? item.getDestination() : end.getNode(),
                item.getPriority(),
                item.getPredictedMicros() > 0 ? Format.micros(item.getPredictedMicros()) : "-",
                started ? Format.micros((item.getEndedUnixMillis() - item.getStartedUnixMillis()) * 1000) : "-",
                late ? "after the deadline" : item.getReason());
    }
}
