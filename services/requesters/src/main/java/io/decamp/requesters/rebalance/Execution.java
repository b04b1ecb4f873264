package io.decamp.requesters.rebalance;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.Restored;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.DirectPublisher;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks for single moves of a plan, each when it still holds, and follows them to their ends. For many threads. */
public final class Execution implements AutoCloseable {
    /** A request holds so long: it is made now, or the plan is outdated. */
    private static final Duration VALIDITY = Duration.ofSeconds(60);
    private static final Duration PUBLISH_LIMIT = Duration.ofSeconds(15);
    /** From what the destination says to what the register says. */
    private static final Duration REGISTER_LIMIT = Duration.ofSeconds(15);

    private final Bus bus;
    private final FleetView view;
    private final DirectPublisher publisher;
    private final EventConsumer answers;
    private final Map<String, CompletableFuture<Restored>> ends = new ConcurrentHashMap<>();
    private final String plan = UUID.randomUUID().toString().substring(0, 8);

    /** Returns when answers will be heard. */
    public Execution(Bus bus, FleetView view) {
        this.bus = bus;
        this.view = view;
        publisher = new DirectPublisher(bus, PUBLISH_LIMIT);
        answers = EventConsumer.observe(
                bus,
                Subscription.fromEnd("rebalance")
                        .on(EventType.RESTORED, e -> end(e.data().getMigration()).complete(e.data()))
                        .on(EventType.MIGRATION_FAILED, e -> {
                            if (!e.data().getCode().equals(MigrationFailedCodes.STILL_FROZEN)) {
                                end(e.data().getMigration()).completeExceptionally(failure(e.data()));
                            }
                        }));
        try {
            answers.awaitReady(PUBLISH_LIMIT);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Makes one move.
     *
     * @param number of the move in the plan
     * @throws DecampException {@code plan-outdated}: nothing was asked for; {@code broker-unreachable}; what the
     *     migration failed with; {@code no-answer}
     */
    public Restored make(Move move, int number, Duration limit) {
        requireStill(move);
        String id = "rebalance-" + plan + "-" + number;
        CompletableFuture<Restored> end = new CompletableFuture<>();
        ends.put(id, end);
        try {
            publisher.send(EventType.MIGRATION_REQUESTED, id, request(move)).join();
            Restored restored = end.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            view.awaitOwner(move.workload().workload(), move.to(), REGISTER_LIMIT);
            return restored;
        } catch (CompletionException | ExecutionException e) {
            if (e.getCause() instanceof DecampException known) {
                throw known;
            }
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException e) {
            throw DecampException.retry(
                    "no-answer",
                    "Waited " + limit.toSeconds() + " s for migration " + id + " of " + move.workload().workload(),
                    "See ./decamp status, and whether the services of " + move.from() + " and " + move.to() + " run",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry(
                    "interrupted", "Interrupted while " + id + " went on", "See ./decamp status", e);
        } finally {
            ends.remove(id);
        }
    }

    @Override
    public void close() {
        if (answers != null) {
            answers.close();
        }
        publisher.close();
    }

    /** Ends of others' migrations are nobody's here. */
    private CompletableFuture<Restored> end(String migration) {
        return ends.getOrDefault(migration, new CompletableFuture<>());
    }

    private MigrationRequested request(Move move) {
        return MigrationRequested.newBuilder()
                .setWorkload(move.workload().workload())
                .setNode(move.from())
                .setDestination(move.to())
                .setReason(Reason.REBALANCE)
                .setValidUntilUnixMillis(bus.clock().instant().plus(VALIDITY).toEpochMilli())
                .setNote("rebalance " + plan)
                .build();
    }

    /** Minutes may have passed since the plan was made. */
    private void requireStill(Move move) {
        String workload = move.workload().workload();
        HandoffState owner = view.owner(workload);
        boolean there = owner instanceof HandoffState.Owned owned && owned.node().value().equals(move.from());
        FleetSnapshot now = view.snapshot();
        if (!there || now.moving().contains(workload)) {
            throw outdated(workload + " does not simply run on " + move.from() + " any more: " + owner);
        }
        NodeAnnounced to = now.nodes().get(move.to());
        boolean present = to != null
                && !now.evacuating().contains(move.to())
                && Instant.ofEpochMilli(to.getAnnouncedUnixMillis())
                        .plus(FleetSnapshot.PRESENT_WITHIN)
                        .isAfter(now.at());
        if (!present) {
            throw outdated(move.to() + " is not there any more");
        }
        long room = to.getAvailableBytes() - (long) (FleetSnapshot.RESERVE_SHARE * to.getMemoryBytes());
        if (room < move.neededBytes()) {
            throw outdated(move.to() + " has room for " + room + " bytes, and " + move.neededBytes() + " are needed");
        }
    }

    private static DecampException outdated(String what) {
        return DecampException.abort("plan-outdated", what, "Run ./decamp rebalance again, for a new plan", null);
    }

    private static DecampException failure(MigrationFailed f) {
        return DecampException.abort(
                f.getCode(),
                f.getReason() + " [" + f.getNode() + ", " + f.getStep() + ", " + f.getTruth() + "]",
                f.getAdvice(),
                null);
    }
}
