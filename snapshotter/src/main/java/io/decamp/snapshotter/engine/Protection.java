package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Truth;
import io.decamp.snapshotter.engine.control.Decision;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jboss.logging.Logger;

/**
 * One workload that this node runs: epochs until a request, a release or its end. One thread runs {@link #run}; the other
 * methods may be called from any.
 */
final class Protection implements Runnable {
    private static final Logger LOG = Logger.getLogger(Protection.class);
    /** First wait after a failure that may pass; doubles up to the limit. */
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(200);
    /** A standby that comes back is found within this time. */
    private static final Duration MAX_BACKOFF = Duration.ofSeconds(10);

    /** @param standby null: not shipped anywhere, kept for an eviction only */
    record Wish(NodeId standby, Policy policy) {}

    private sealed interface Command {
        record Evict(MigrationOrder order) implements Command {}

        record Adopt(Wish wish) implements Command {}

        record Release(String reason) implements Command {}

        record Stop() implements Command {}
    }

    private final SnapshotterPorts ports;
    private final Handover handover;
    private final WorkloadId workload;
    private final FrozenNotice notice;
    private final DoneRequests done;
    private final Steering.Shared shared;
    private final BiConsumer<WorkloadId, ProtectionState> ended;
    private final LinkedBlockingQueue<Command> commands = new LinkedBlockingQueue<>();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private volatile ProtectionState state = new ProtectionState.Starting();
    private volatile Wish wish;
    private Replication replication;
    private Duration backoff = FIRST_BACKOFF;
    private String reportedFailure = "";

    Protection(
            SnapshotterPorts ports,
            Handover handover,
            WorkloadId workload,
            Wish wish,
            FrozenNotice notice,
            DoneRequests done,
            Steering.Shared shared,
            BiConsumer<WorkloadId, ProtectionState> ended) {
        this.ports = ports;
        this.shared = shared;
        this.handover = handover;
        this.workload = workload;
        this.wish = wish;
        this.notice = notice;
        this.done = done;
        this.ended = ended;
    }

    ProtectionState state() {
        return state;
    }

    void evict(MigrationOrder order) {
        commands.add(new Command.Evict(order));
    }

    /** What is wished for was said, perhaps once more. */
    void adopt(Wish said) {
        if (!said.equals(wish)) {
            wish = said;
            commands.add(new Command.Adopt(said));
        }
    }

    void release(String reason) {
        commands.add(new Command.Release(reason));
    }

    /** The service ends; tracking and replica stay for its successor. */
    void stop() {
        stopping.countDown();
        commands.add(new Command.Stop());
    }

    @Override
    public void run() {
        try {
            boolean again = true;
            while (again) {
                try (Replication fresh = new Replication(ports, workload, wish.policy(), shared)) {
                    replication = fresh;
                    if (settle()) {
                        protect();
                    }
                    again = false;
                } catch (RuntimeException e) {
                    again = stopping.getCount() > 0 && goesOnAfter(e);
                }
            }
        } finally {
            notice.over(workload);
            ended.accept(workload, state);
        }
    }

    /**
     * What is frozen is brought to its end before anything else, be it a service that died that left it so or a failure of
     * this one. @return whether the workload is this node's
     */
    private boolean settle() {
        var outcome = handover.resume(workload, waiting -> frozen("", ports.settings().node(), waiting));
        notice.over(workload);
        boolean committed = outcome.isPresent() && outcome.get() == Handover.Outcome.COMMITTED;
        if (committed || !isMine()) {
            gone();
            return false;
        }
        return true;
    }

    private boolean isMine() {
        return ports.register().current(workload) instanceof HandoffState.Owned o
                && o.node().equals(ports.settings().node());
    }

    /** @return false when the workload has ended meanwhile */
    private boolean goesOnAfter(RuntimeException e) {
        DecampException failure = e instanceof DecampException known
                ? known
                : DecampException.retry("unexpected", e.toString(), "It is tried again; read the log", e);
        if (failure != e) {
            LOG.errorf(e, "%s: an error nobody foresaw", workload);
        }
        try {
            if (isMine() && stopped()) {
                workloadEnded();
                return false;
            }
        } catch (RuntimeException notKnownNow) {
            failure.addSuppressed(notKnownNow);
        }
        return !waits(waitAfter(failure));
    }

    /** @return true when the service ends */
    private boolean waits(Duration wait) {
        try {
            return stopping.await(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private void protect() {
        Duration wait = Duration.ZERO;
        while (true) {
            Command command = poll(wait);
            switch (command) {
                case null -> wait = shipOnce();
                case Command.Stop() -> {
                    return;
                }
                case Command.Release(String reason) -> {
                    replication.forget();
                    enter(new ProtectionState.Ended(reason));
                    return;
                }
                case Command.Adopt(Wish said) -> {
                    LOG.infof("%s: standby is now %s, policy {%s}", workload, said.standby(), said.policy());
                    replication.adopt(said.policy());
                    wait = Duration.ZERO;
                }
                case Command.Evict(MigrationOrder order) -> {
                    if (evictTo(order) || !settle()) {
                        return;
                    }
                    wait = Duration.ZERO;
                }
            }
            if (state instanceof ProtectionState.Ended) {
                return;
            }
        }
    }

    /** One epoch, connecting first when needed. @return how long to wait for the next */
    private Duration shipOnce() {
        NodeId standby = wish.standby();
        try {
            if (standby == null) {
                return Duration.ofDays(1);
            }
            if (!replication.connectedTo(standby)) {
                replication.connect(standby);
            }
            EpochStats stats = replication.epoch();
            Decision decision = replication.decide(stats);
            backoff = FIRST_BACKOFF;
            reportedFailure = "";
            enter(new ProtectionState.Protecting(standby, stats.epoch()));
            // the interval is from scan to scan
            return Duration.ofNanos(Math.max(0, decision.intervalMicros() - stats.shipMicros()) * 1000);
        } catch (DecampException e) {
            return afterFailure(e);
        }
    }

    private Duration afterFailure(DecampException e) {
        if (!isMine()) {
            throw e;
        }
        if (stopped()) {
            workloadEnded();
            return Duration.ZERO;
        }
        replication.disconnect();
        return waitAfter(e);
    }

    private Duration waitAfter(DecampException e) {
        Duration wait = backoff;
        backoff = backoff.multipliedBy(2).compareTo(MAX_BACKOFF) > 0 ? MAX_BACKOFF : backoff.multipliedBy(2);
        if (!reportedFailure.equals(e.code())) {
            reportedFailure = e.code();
            LOG.warnf("%s: not protected for now: %s (%s). %s", workload, e.getMessage(), e.code(), e.advice());
            if (e.category() != Category.RETRY) {
                report("protect", e, Truth.RUNNING_AT_SOURCE, "");
            }
        }
        enter(new ProtectionState.Waiting(e.code(), e.getMessage(), ports.clock().instant().plus(wait)));
        return wait;
    }

    private boolean evictTo(MigrationOrder order) {
        NodeId destination = order.destination() == null ? wish.standby() : order.destination();
        if (destination == null) {
            report(
                    "request",
                    order.migration(),
                    DecampException.refused(
                            "no-destination",
                            workload + " has no standby and the request names no destination",
                            "Name one: --to NODE"),
                    Truth.RUNNING_AT_SOURCE,
                    "");
            return false;
        }
        if (order.dryRun() && wish.standby() != null && !destination.equals(wish.standby())) {
            done.add(order.migration());
            report(
                    "request",
                    order.migration(),
                    DecampException.refused(
                            "dry-run-elsewhere",
                            workload + " is protected on " + wish.standby() + "; a dry run to " + destination
                                    + " would give that replica up",
                            "Name no destination"),
                    Truth.RUNNING_AT_SOURCE,
                    "");
            return false;
        }
        try {
            var eviction = new Eviction(
                    ports,
                    handover,
                    replication,
                    order,
                    destination,
                    this::enter,
                    () -> done.add(order.migration()),
                    waiting -> frozen(order.migration(), destination, waiting));
            if (eviction.run() == Eviction.Outcome.GONE) {
                gone();
                return true;
            }
        } catch (DecampException e) {
            LOG.warnf("%s: migration %s failed: %s", workload, order.migration(), e.getMessage());
            replication.disconnect();
        } finally {
            notice.over(workload);
        }
        return false;
    }

    private void gone() {
        replication.forget();
        var owner = ports.register().current(workload);
        NodeId to = owner instanceof HandoffState.Owned owned
                ? owned.node()
                : ports.settings().node();
        enter(new ProtectionState.Gone(to));
    }

    private void workloadEnded() {
        replication.forget();
        report(
                "protect",
                DecampException.abort(
                        "workload-ended",
                        workload + " has ended on " + ports.settings().node(),
                        "Start it again and protect it",
                        null),
                Truth.NOT_HERE,
                "");
        enter(new ProtectionState.Ended("the workload has ended"));
    }

    private boolean stopped() {
        try {
            return ports.runtime(workload).find(workload).state() == WorkloadRuntime.State.STOPPED;
        } catch (DecampException e) {
            return e.code().equals("workload-not-found");
        }
    }

    private Command poll(Duration wait) {
        try {
            return commands.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Command.Stop();
        }
    }

    private void frozen(String migration, NodeId destination, String waitingFor) {
        enter(new ProtectionState.Frozen(migration, destination, waitingFor));
        notice.waits(workload, migration, waitingFor);
    }

    private void enter(ProtectionState next) {
        if (!next.getClass().equals(state.getClass())) {
            LOG.infof("%s: %s -> %s", workload, state, next);
        }
        state = next;
    }

    private void report(String step, DecampException e, Truth truth, String waitingFor) {
        report(step, "", e, truth, waitingFor);
    }

    private void report(String step, String migration, DecampException e, Truth truth, String waitingFor) {
        ports.events()
                .migrationFailed(MigrationFailed.newBuilder()
                        .setWorkload(workload.value())
                        .setMigration(migration)
                        .setNode(ports.settings().node().value())
                        .setStep(step)
                        .setCode(e.code())
                        .setReason(e.getMessage())
                        .setAdvice(e.advice())
                        .setTruth(truth)
                        .setWaitingFor(waitingFor)
                        .build());
    }
}
