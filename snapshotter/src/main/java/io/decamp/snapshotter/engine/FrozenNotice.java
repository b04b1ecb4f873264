package io.decamp.snapshotter.engine;

import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Truth;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Tells the world of a workload that stays frozen and what it waits for, once for each reason; a hand-off that goes well is
 * over before. Thread safe.
 */
final class FrozenNotice {
    /** Of the event; it is no end of the migration. */
    static final String CODE = MigrationFailedCodes.STILL_FROZEN;

    /** A hand-off takes a fraction of a second: who waits for longer is worth a person's look. */
    static final Duration PATIENCE = Duration.ofSeconds(3);

    private record Wait(String migration, String waitingFor) {}

    private final NodeId node;
    private final EventSink events;
    private final ScheduledExecutorService timer;
    private final Duration patience;
    private final Map<WorkloadId, Wait> waiting = new ConcurrentHashMap<>();

    FrozenNotice(NodeId node, EventSink events, ScheduledExecutorService timer, Duration patience) {
        this.node = node;
        this.events = events;
        this.timer = timer;
        this.patience = patience;
    }

    /** From now on; replaces an earlier reason. */
    void waits(WorkloadId workload, String migration, String waitingFor) {
        Wait wait = new Wait(migration, waitingFor);
        if (wait.equals(waiting.put(workload, wait))) {
            return;
        }
        try {
            timer.schedule(() -> tell(workload, wait), patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException ending) {
            waiting.remove(workload);
        }
    }

    /** It is frozen no more. */
    void over(WorkloadId workload) {
        waiting.remove(workload);
    }

    private void tell(WorkloadId workload, Wait wait) {
        if (!wait.equals(waiting.get(workload))) {
            return;
        }
        events.migrationFailed(MigrationFailed.newBuilder()
                .setWorkload(workload.value())
                .setMigration(wait.migration())
                .setNode(node.value())
                .setStep("offer")
                .setCode(CODE)
                .setReason(workload + " is frozen on " + node + " and waits for " + wait.waitingFor())
                .setAdvice("See to what it waits for: it goes on by itself then, here or there")
                .setTruth(Truth.FROZEN_AT_SOURCE)
                .setWaitingFor(wait.waitingFor())
                .build());
    }
}
