package io.decamp.cli.soak;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Lab;
import io.decamp.testkit.PidWorkload;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Moves one self-checking workload to and fro between two nodes while things go wrong, and requires after each that one
 * copy runs, that its memory and every step it ever made are right, and that it is protected again: without a person.
 * Used by one thread.
 */
public final class Soak implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Soak.class);

    /** From the repair of a fault until all is well: a restart, the wait for TAKE, a shipping of everything, with room. */
    private static final Duration RECOVERY_LIMIT = Duration.ofSeconds(150);
    private static final Duration PHASE_LIMIT = Duration.ofSeconds(60);
    private static final Duration SEND_LIMIT = Duration.ofSeconds(30);
    /** Steps of every writer that show that it runs. */
    private static final int LINES = 50;
    /** A phase may last a fraction of a millisecond. */
    private static final long PHASE_LOOK_NANOS = 50_000;
    private static final long LOOK_NANOS = 100_000_000;

    /**
     * What came of a step.
     *
     * @param reached the phase was there for the fault to hit; else the move had failed or ended before
     * @param moved the workload is on the other node now
     * @param recoveryMillis from the repair until it was protected again
     */
    public record Result(FaultSchedule.Step step, boolean reached, boolean moved, long recoveryMillis) {
        @Override
        public String toString() {
            return step + (reached ? "" : " (not reached)") + ": " + (moved ? "moved" : "stayed") + ", well after "
                    + recoveryMillis + " ms";
        }
    }

    private final Cluster cluster;
    private final PidWorkload workload;
    private final WorkloadId id;
    private final Watch watch;

    private Soak(Cluster cluster, PidWorkload workload, WorkloadId id, Watch watch) {
        this.cluster = cluster;
        this.workload = workload;
        this.id = id;
        this.watch = watch;
    }

    /** Starts a workload on alpha and protects it on beta. */
    public static Soak start(Cluster cluster, ChainSpec spec) {
        Lab lab = cluster.lab();
        PidWorkload workload = PidWorkload.start(spec, lab.alpha().enter());
        WorkloadId id = WorkloadId.of("pid:" + workload.locatorPid(), lab.alpha().id());
        Soak soak = new Soak(cluster, workload, id, Watch.open(cluster.session(), id, epoch -> {}));
        try {
            cluster.session()
                    .publisher()
                    .send(
                            EventType.WORKLOADS,
                            WorkloadSpec.newBuilder()
                                    .setWorkload(id.value())
                                    .addNodes("alpha")
                                    .addNodes("beta")
                                    .build(),
                            SEND_LIMIT);
            return soak.withEvidence(() -> {
                soak.awaitProtected(0);
                return soak;
            });
        } catch (RuntimeException | Error e) {
            soak.close();
            throw e;
        }
    }

    public WorkloadId id() {
        return id;
    }

    public PidWorkload workload() {
        return workload;
    }

    /** The node that runs it. @throws AssertionError when the register says nobody does */
    public Lab.Node owner() {
        HandoffState state = cluster.session().register().current(id);
        if (state instanceof HandoffState.Owned o) {
            return o.node().equals(cluster.lab().alpha().id())
                    ? cluster.lab().alpha()
                    : cluster.lab().beta();
        }
        throw new AssertionError("Nobody owns " + id + ": " + state);
    }

    /** Moves it to the other node while all is well. */
    public void move() {
        withEvidence(() -> {
            Lab.Node source = owner();
            int seen = watch.epochs().size();
            String migration = request(source);
            watch.awaitRestored(migration, RECOVERY_LIMIT);
            requireWell(cluster.lab().other(source), seen);
            return true;
        });
    }

    /** One fault in one move. @throws AssertionError when not all is well in the end */
    public Result run(FaultSchedule.Step step) {
        return withEvidence(() -> moveUnder(step));
    }

    /** A failure is printed with what explains it, as the nodes are gone before anybody reads of it. */
    private <T> T withEvidence(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | AssertionError e) {
            System.out.println(e.getMessage());
            System.out.println(evidence());
            throw e;
        }
    }

    private Result moveUnder(FaultSchedule.Step step) {
        awaitOwner();
        Lab.Node source = owner();
        Lab.Node destination = cluster.lab().other(source);
        MoveProbe probe = new MoveProbe(cluster.session(), id, source, destination);
        Breakage breakage = new Breakage(cluster, step, source, destination);
        boolean reached = true;
        String migration = "";
        if (step.phase() != Phase.PROTECTING) {
            migration = request(source);
            reached = awaitPhase(probe, step.phase(), migration);
        }
        LockSupport.parkNanos(step.delay().toNanos());
        breakage.happen();
        LOG.infof(
                "%s (%s): %s -> %s, register %s",
                step, breakage.what(), source, destination, cluster.session().register().current(id));
        pause(step.outage());
        breakage.repair();
        int seen = watch.epochs().size();
        long repaired = System.nanoTime();
        awaitOwner();
        requireWell(null, seen);
        awaitOwner();
        boolean moved = owner() == destination;
        return new Result(step, reached, moved, (System.nanoTime() - repaired) / 1_000_000);
    }

    /** What it is itself, and what each node says, has noted and has logged of it; the logs are kept in files as well. */
    public String evidence() {
        return "--- " + id + " itself: " + workload.describe() + "\n" + Evidence.of(cluster, id);
    }

    /** Ends the workload, which checks its whole memory, and judges all it ever did. */
    public ChainOracle.Report stopAndJudge() {
        return workload.stopAndJudge();
    }

    /** A request that was answered late may still be acted on. */
    private void awaitOwner() {
        await(
                () -> "one owner of " + id + ", the register says " + cluster.session().register().current(id),
                () -> cluster.session().register().current(id) instanceof HandoffState.Owned);
    }

    private void requireWell(Lab.Node where, int seenEpochs) {
        await(
                () -> "one living copy of " + id + ", there are inits " + workload.log().inits(),
                () -> workload.log().inits().size() == 1);
        long lines = workload.log().lines() + (long) LINES * workload.spec().writers();
        await(() -> id + " to run on", () -> workload.log().lines() >= lines);
        awaitProtected(seenEpochs);
        if (workload.log().inits().size() != 1) {
            throw new AssertionError("Expected one copy of " + id + ", found " + workload.log().inits());
        }
        if (where != null && owner() != where) {
            throw new AssertionError("Expected " + id + " on " + where + ", the register says " + owner());
        }
        workload.log().judge().check();
    }

    /** Epochs of the owner that were reported after {@code seen} others. */
    private void awaitProtected(int seen) {
        await(
                () -> id + " to be protected by its owner; what failed last: " + lastFailure() + "; epochs seen: "
                        + watch.epochs().size() + ", " + seen + " of them before; living inits: " + workload.log().inits() + "; "
                        + Evidence.said(cluster, id),
                () -> cluster.session().register().current(id) instanceof HandoffState.Owned o
                        && watch.epochs().stream().skip(seen).anyMatch(e -> e.getNode().equals(o.node().value())));
    }

    private String lastFailure() {
        var failures = watch.failures();
        return failures.isEmpty() ? "nothing" : failures.getLast().getCode() + ": " + failures.getLast().getReason();
    }

    private String request(Lab.Node source) {
        return cluster.session()
                .publisher()
                .send(
                        EventType.MIGRATION_REQUESTED,
                        MigrationRequested.newBuilder()
                                .setWorkload(id.value())
                                .setNode(source.id().value())
                                .setReason(Reason.REBALANCE)
                                .build(),
                        SEND_LIMIT)
                .id();
    }

    /** @return false when the migration failed before it came so far */
    private boolean awaitPhase(MoveProbe probe, Phase phase, String migration) {
        long end = System.nanoTime() + PHASE_LIMIT.toNanos();
        while (!probe.reached(phase)) {
            boolean failed = watch.failures().stream().anyMatch(f -> f.getMigration().equals(migration));
            if (failed || System.nanoTime() - end > 0) {
                return false;
            }
            LockSupport.parkNanos(PHASE_LOOK_NANOS);
        }
        return true;
    }

    private static void pause(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static void await(Supplier<String> what, BooleanSupplier condition) {
        long end = System.nanoTime() + RECOVERY_LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0 || Thread.currentThread().isInterrupted()) {
                throw new AssertionError("Waited " + RECOVERY_LIMIT.toSeconds() + " s in vain for " + what.get());
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    @Override
    public void close() {
        watch.close();
        workload.close();
    }
}
