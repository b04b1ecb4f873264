package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Truth;
import io.opentelemetry.context.Context;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Decides whether a request is this node's to act on. A request for another node is that node's; one that is late or
 * can't be understood is answered with {@code migration-failed} and never acted on, because a replayed request must not
 * move a healthy copy.
 */
public final class RequestGate {
    /** How long a request holds that names no end: longer than a broker's restart, shorter than a change of mind. */
    public static final Duration DEFAULT_VALIDITY = Duration.ofSeconds(60);

    private final NodeId self;
    private final EventSink events;
    private final Clock clock;

    public RequestGate(NodeId self, EventSink events, Clock clock) {
        this.self = self;
        this.events = events;
        this.clock = clock;
    }

    /** Returns the order, or empty when the request was somebody else's or was refused. */
    public Optional<MigrationOrder> admit(String id, Instant saidAt, MigrationRequested request, Context context) {
        if (!request.getNode().equals(self.value()) || request.getWorkload().isEmpty()) {
            // another node's, or a coordinator's
            return Optional.empty();
        }
        try {
            WorkloadId workload = WorkloadId.of(request.getWorkload(), self);
            requireValid(request, saidAt);
            NodeId destination = request.getDestination().isEmpty() ? null : new NodeId(request.getDestination());
            long saidAtMicros = saidAt.getEpochSecond() * 1_000_000 + saidAt.getNano() / 1000;
            return Optional.of(new MigrationOrder(
                    id,
                    workload,
                    request.getReason(),
                    destination,
                    saidAtMicros,
                    System.nanoTime(),
                    request.getDeadlineUnixMillis(),
                    request.getDryRun(),
                    context));
        } catch (DecampException e) {
            events.migrationFailed(MigrationFailed.newBuilder()
                    .setWorkload(request.getWorkload())
                    .setMigration(id)
                    .setNode(self.value())
                    .setStep("request")
                    .setCode(e.code())
                    .setReason(e.getMessage())
                    .setAdvice(e.advice())
                    .setTruth(Truth.UNKNOWN)
                    .build());
            return Optional.empty();
        }
    }

    private void requireValid(MigrationRequested request, Instant saidAt) {
        Instant end = request.getValidUntilUnixMillis() > 0
                ? Instant.ofEpochMilli(request.getValidUntilUnixMillis())
                : saidAt.plus(DEFAULT_VALIDITY);
        if (clock.instant().isAfter(end)) {
            throw DecampException.refused(
                    "request-expired",
                    "The request to move " + request.getWorkload() + " was valid until " + end,
                    "Ask again if the reason still holds");
        }
    }
}
