package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.contracts.v1.Truth;
import io.decamp.snapshotter.engine.propagation.Rounds;
import io.decamp.snapshotter.engine.propagation.StopRule;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/**
 * The source's half of one move: last rounds, freeze, final delta, state parts, seal, hand-off. Until the offer every
 * failure lets the workload run on; after it only the register decides. A dry run ends with the seal, and is never
 * offered. Runs on the workload's loop.
 */
final class Eviction {
    private static final Logger LOG = Logger.getLogger(Eviction.class);

    /** A broker that answers does so within milliseconds; longer than one that elects a leader. */
    private static final Duration REGISTER_LIMIT = Duration.ofSeconds(10);

    /** What the loop goes on with. */
    enum Outcome {
        GONE,
        STAYS
    }

    private final SnapshotterPorts ports;
    private final Handover handover;
    private final Replication replication;
    private final MigrationOrder order;
    private final NodeId destination;
    private final Consumer<ProtectionState> state;
    private final Runnable decided;
    private final Consumer<String> frozen;
    private MoveReport report;
    private String step = "protect";

    Eviction(
            SnapshotterPorts ports,
            Handover handover,
            Replication replication,
            MigrationOrder order,
            NodeId destination,
            Consumer<ProtectionState> state,
            Runnable decided,
            Consumer<String> frozen) {
        this.ports = ports;
        this.handover = handover;
        this.replication = replication;
        this.order = order;
        this.destination = destination;
        this.state = state;
        this.decided = decided;
        this.frozen = frozen;
    }

    Outcome run() {
        Span span = ports.tracer()
                .spanBuilder("evict")
                .setParent(order.context())
                .setAttribute("decamp.workload", order.workload().value())
                .setAttribute("decamp.migration", order.migration())
                .setAttribute("decamp.from", ports.settings().node().value())
                .setAttribute("decamp.to", destination.value())
                .startSpan();
        try (Scope ignored = span.makeCurrent()) {
            return move();
        } catch (DecampException e) {
            span.recordException(e).setStatus(StatusCode.ERROR, e.getMessage());
            if (!e.code().equals(Handover.INTERRUPTED)) {
                failed(e);
            }
            throw e;
        } catch (RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR, e.toString());
            failed(DecampException.abort("unexpected", e.toString(), "Read the log of this node", e));
            throw e;
        } finally {
            keepRounds();
            // not before the hand-off has ended: whoever holds the workload still looks at them when it lets go
            deleteTree(partsPath());
            replication.shipper().stopCounting();
            span.end();
        }
    }

    private Outcome move() {
        report = new MoveReport(ports, replication, order, destination.value());
        replication.shipper().countFromNow();
        long bytesBefore = replication.bytesShipped();
        if (!replication.connectedTo(destination)) {
            enter("protect");
            inSpan("connect", () -> {
                replication.connect(destination);
                return null;
            });
        }
        // asked now, because asking a runtime takes tens of milliseconds that a frozen workload would wait for
        Path bundle = ports.runtime(order.workload()).find(order.workload()).bundle();
        enter("last-rounds");
        var moving = new Rounds.Move(new StopRule(deadlineNanos()), report);
        StopRule.Reason stop = inSpan("last-rounds", () -> lastRounds(moving));
        inSpan("register", this::requireRegister);
        enter("freeze");
        report.freezing();
        Path parts = partsDirectory();
        SnapshotReady ready;
        try {
            WorkloadRuntime.Frozen frozen = inSpan("freeze", () -> ports.runtime(order.workload())
                    .freeze(
                            order.workload(),
                            order.migration(),
                            parts,
                            () -> inSpan("stopped-round", this::stoppedRound)));
            report.held();
            stepOnly("final-delta");
            inSpan("final-delta", this::finalDelta);
            ready = inSpan("state-images", () -> shipState(frozen, bytesBefore, bundle));
            report.sealed();
        } catch (RuntimeException e) {
            thaw(e);
            throw e;
        }
        return order.dryRun() ? dryEnd(moving, stop, ready) : offer(moving, stop, ready);
    }

    /** A move that ended before its stopped round has still brought what it has brought. */
    private void keepRounds() {
        try {
            replication.sealOpen();
        } catch (RuntimeException e) {
            LOG.debugf("%s: what the last rounds brought goes once more: %s", order.workload(), e.getMessage());
        }
    }

    private Outcome offer(Rounds.Move moving, StopRule.Reason stop, SnapshotReady ready) {
        stepOnly("offer");
        decided.run();
        ports.events().snapshotReady(ready);
        Handover.Outcome outcome = inSpan("hand-off", () -> handover.offer(
                order.workload(),
                destination,
                new Digest(ready.getDigest().toByteArray()),
                order.migration(),
                frozen));
        return switch (outcome) {
            case COMMITTED -> {
                // until the source is free of it: its clock knows no earlier sign of the copy
                long stopped = ports.nowUnixMicros() - ready.getStoppedAtUnixMicros();
                report.ended(moving, stop, replication.evictWithinMicros(), stopped);
                yield Outcome.GONE;
            }
            case KEPT -> {
                failed(DecampException.abort(
                        "not-taken",
                        destination + " did not take " + order.workload(),
                        "See the restorer's migration-failed of the same migration; the workload runs on here",
                        null));
                yield Outcome.STAYS;
            }
        };
    }

    /** Nothing was offered and nothing can be: the register has not heard of it. */
    private Outcome dryEnd(Rounds.Move moving, StopRule.Reason stop, SnapshotReady sealed) {
        stepOnly("thaw");
        inSpan("thaw", () -> {
            ports.runtime(order.workload()).thaw(order.workload());
            return null;
        });
        long stopped = ports.nowUnixMicros() - sealed.getStoppedAtUnixMicros();
        decided.run();
        report.ended(moving, stop, replication.evictWithinMicros(), stopped);
        return Outcome.STAYS;
    }

    private StopRule.Reason lastRounds(Rounds.Move moving) {
        StopRule.Reason stop = replication.converge(moving);
        Span.current().setAttribute("decamp.rounds", moving.rounds());
        Span.current().setAttribute("decamp.converged-by", stop.label());
        LOG.infof(
                "%s: %d last rounds sent %d pages; enough by %s",
                order.workload(), moving.rounds(), moving.sentPages(), stop.label());
        return stop;
    }

    /** What follows the rounds must be over by then, as far as anybody can tell. */
    private long deadlineNanos() {
        if (order.deadlineUnixMillis() <= 0) {
            return Long.MAX_VALUE;
        }
        EvictionTimes after = report.predicted();
        long micros = (order.deadlineUnixMillis() - ports.clock().millis()) * 1000
                - after.getFreezeMicros() - after.getFinalDeltaMicros() - after.getHandOffMicros();
        return System.nanoTime() + Math.max(0, micros) * 1000;
    }

    private Void stoppedRound() {
        replication.stoppedRound();
        return null;
    }

    private Void finalDelta() {
        replication.shipFinalDelta();
        return null;
    }

    private SnapshotReady shipState(WorkloadRuntime.Frozen frozen, long bytesBefore, Path bundle) {
        for (WorkloadRuntime.Part part : frozen.parts()) {
            replication.shipPart(part.name(), part.file());
        }
        SnapshotReady.Builder ready = order.dryRun() ? replication.sealDry() : replication.sealFinal();
        return ready.setMigration(order.migration())
                .setTerm(ports.register().current(order.workload()).term() + 1)
                .setRequestedAtUnixMicros(order.requestedAtUnixMicros())
                .setStoppedAtUnixMicros(frozen.stoppedAtUnixMicros())
                .setBytesBefore(bytesBefore)
                .setBytesAfter(replication.bytesShipped() - bytesBefore)
                .setBundle(bundle == null ? "" : bundle.toString())
                .build();
    }

    /** Before the offer nobody else may act on the workload, so that letting it run is always right. */
    private void thaw(RuntimeException why) {
        LOG.warnf("%s: thawed before the offer: %s", order.workload(), why.getMessage());
        try {
            ports.runtime(order.workload()).thaw(order.workload());
        } catch (RuntimeException e) {
            // the loop tries on until it runs
            LOG.errorf(e, "%s: could not be thawed", order.workload());
            why.addSuppressed(e);
        }
    }

    /** A workload is not frozen for a register that does not answer: it would stay so. */
    private Void requireRegister() {
        ports.register()
                .append(
                        order.workload(),
                        HandoffRecords.barrier(order.workload(), ports.settings().node()),
                        REGISTER_LIMIT);
        return null;
    }

    private void failed(DecampException e) {
        decided.run();
        // whoever hears of it may ask again at once
        state.accept(new ProtectionState.Starting());
        ports.events()
                .migrationFailed(MigrationFailed.newBuilder()
                        .setWorkload(order.workload().value())
                        .setMigration(order.migration())
                        .setNode(ports.settings().node().value())
                        .setStep(step)
                        .setCode(e.code())
                        .setReason(e.getMessage())
                        .setAdvice(e.advice())
                        .setTruth(Truth.RUNNING_AT_SOURCE)
                        .build());
    }

    private void enter(String newStep) {
        stepOnly(newStep);
        report.step(newStep);
    }

    /** Nothing is published while the workload is frozen and nothing waits for an answer. */
    private void stepOnly(String newStep) {
        step = newStep;
        state.accept(new ProtectionState.Evicting(order.migration(), destination, newStep));
    }

    private <T> T inSpan(String name, Supplier<T> work) {
        Span span = ports.tracer().spanBuilder(name).startSpan();
        try (Scope ignored = span.makeCurrent()) {
            return work.get();
        } catch (RuntimeException e) {
            span.recordException(e).setStatus(StatusCode.ERROR);
            throw e;
        } finally {
            span.end();
        }
    }

    private Path partsPath() {
        return ports.settings()
                .memoryDirectory()
                .resolve("parts")
                .resolve(order.workload().fileName());
    }

    private Path partsDirectory() {
        Path directory = partsPath();
        try {
            deleteTree(directory);
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw DecampException.abort(
                    "memory-directory", "Cannot create " + directory, "Is the memory directory full? Free some of it", e);
        }
    }

    private static void deleteTree(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        } catch (IOException e) {
            LOG.warnf("Cannot delete %s: %s", directory, e.toString());
        }
    }
}
