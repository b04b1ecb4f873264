package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Offered;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.handoff.HandoffState.Taken;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.SnapshotReady;
import io.opentelemetry.context.Context;
import java.nio.file.Path;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * The hand-off of one workload at its destination, a step at a time; {@link DestinationRule} decides each. Never waits
 * for anything but one answer of the register or of criu. To go on after a restart is to make a new one over the same
 * ports. {@link #step} belongs to one thread at a time, {@link #ready} may be called by another.
 */
public final class DestinationCase {
    private static final Logger LOG = Logger.getLogger(DestinationCase.class);

    private final WorkloadId workload;
    private final DestinationPorts ports;
    private final CopyRuntime runtime;
    private final CopyReport report;

    private record Announced(SnapshotReady event, Context trace, long atMillis) {}

    private final Object announcing = new Object();
    private Optional<Announced> news = Optional.empty();
    private Optional<SnapshotReady> ready;
    private long readyAtMillis;

    private boolean caughtUp;
    private Optional<CopyMark> prepared;
    private Optional<Released> released;
    /** As known without asking the runtime, which may take longer than all the rest; null: ask. */
    private Hold hold;

    private Digest failedDigest;
    private int failures;
    private long toldOf = -1;
    private DestinationStep step;

    /** Reads what is here of the workload, be it nothing. */
    public DestinationCase(WorkloadId workload, DestinationPorts ports) {
        this.workload = workload;
        this.ports = ports;
        this.runtime = ports.runtimes().apply(workload);
        this.report = new CopyReport(workload, ports);
        prepared = ports.files().prepared(workload);
        released = ports.files().released(workload);
        ready = ports.files().ready(workload);
        readyAtMillis = ports.clock().millis();
        caughtUp = !somethingHere();
    }

    /** Remembers the event, so that it need not be delivered again once this returns. */
    public void ready(SnapshotReady event, Context trace) {
        long term = event.getTerm() > 0
                ? event.getTerm()
                : ports.register().current(workload).term() + 1;
        SnapshotReady announced = event.toBuilder().setTerm(term).build();
        synchronized (announcing) {
            ports.files().ready(workload, announced);
            news = Optional.of(new Announced(announced, trace, ports.clock().millis()));
        }
    }

    /** Whether a restart of this service would have something to look after. */
    public boolean somethingHere() {
        return prepared.isPresent() || released.isPresent() || ready.isPresent() || hold() != Hold.NONE;
    }

    /** Decides and acts once. @return what was done, or what it waits for */
    public DestinationStep step() {
        absorbNews();
        HandoffState state = HandoffState.NOBODY;
        DestinationStep next = new DestinationStep.Unreachable("the copy runtime");
        try {
            state = ports.register().current(workload);
            next = DestinationRule.decide(state, view(state));
            enter(next, state);
            act(next, state);
            if (waits(next)) {
                hold = null;
            }
        } catch (DecampException e) {
            hold = null;
            next = new DestinationStep.Unreachable(describe(next) + ": " + e.getMessage());
            enter(next, state);
        }
        return next;
    }

    private void act(DestinationStep next, HandoffState state) {
        switch (next) {
            case DestinationStep.CatchUp s -> {
                publish(HandoffRecords.barrier(workload, ports.me()));
                caughtUp = true;
            }
            case DestinationStep.Prepare s -> prepare(s.mark());
            case DestinationStep.Append s -> append(s.record());
            case DestinationStep.WriteReleased s -> writeReleased(s.mark());
            case DestinationStep.Release s -> {
                report.phase("release", () -> runtime.release(workload));
                hold = Hold.RELEASED;
            }
            case DestinationStep.Destroy s -> destroy();
            case DestinationStep.KillReleased s -> {
                if (originalHere()) {
                    throw DecampException.retry(
                            "source-ends-it",
                            "It is frozen by the source side of this node",
                            "Wait for its kill",
                            null);
                }
                ports.originals().apply(workload).kill(workload);
                hold = Hold.NONE;
                ports.files().clearReleased(workload);
                released = Optional.empty();
            }
            case DestinationStep.ClearReleased s -> {
                ports.files().clearReleased(workload);
                released = Optional.empty();
            }
            case DestinationStep.Wait s -> {}
            case DestinationStep.AskOperator s -> report.lost(state, s.why());
            case DestinationStep.Done s -> finish(state);
            case DestinationStep.Unreachable s -> {}
        }
    }

    private void prepare(CopyMark mark) {
        SnapshotReady announced = ready.orElseThrow();
        SealedReplica replica =
                ports.replicas().sealed(workload, mark.digest()).orElseThrow(() -> DecampException.retry(
                        "replica-gone",
                        "The replica " + mark.digest() + " of " + workload + " was dropped",
                        "The source keeps the workload",
                        null));
        ports.files().stageReleased(workload, new Released(mark.term(), mark.digest(), ports.bootId()));
        ports.files().prepared(workload, mark);
        prepared = Optional.of(mark);
        try {
            Path bundle = announced.getBundle().isEmpty() ? null : Path.of(announced.getBundle());
            report.phase("prepare", () -> runtime.prepare(workload, replica, bundle));
            hold = Hold.HELD;
        } catch (DecampException e) {
            hold = null;
            failed(mark.digest(), "prepare", e);
        }
    }

    private void append(HandoffRecord record) {
        switch (record.getStepCase()) {
            case TAKE -> report.phase("take", () -> publish(record));
            case CLAIM, OFFER, ABORT, RUNNING, RETURN, FENCED, ENDED, STEP_NOT_SET -> publish(record);
        }
    }

    private void writeReleased(CopyMark mark) {
        try {
            ports.hooks().forEach(h -> h.beforeRelease(workload, mark.term()));
        } catch (DecampException e) {
            failed(mark.digest(), "take", e);
            return;
        }
        Released durable = new Released(mark.term(), mark.digest(), ports.bootId());
        ports.files().released(workload, durable);
        released = Optional.of(durable);
    }

    private void destroy() {
        runtime.destroy(workload);
        hold = Hold.NONE;
        ports.files().clearPrepared(workload);
        prepared = Optional.empty();
    }

    private void failed(Digest digest, String phase, DecampException e) {
        failures = digest.equals(failedDigest) ? failures + 1 : 1;
        failedDigest = digest;
        report.failed(ports.register().current(workload), phase, e);
    }

    /**
     * The announcement and the mark of the copy have served their purpose; RELEASED stays as long as the copy runs
     * here. The mark of the copy goes after what it stands for: a service that dies in between does it again.
     */
    private void finish(HandoffState state) {
        if (prepared.isPresent() && isOurs(state)) {
            if (toldOf != state.term()) {
                report.restored(state.term(), ready);
                // once, however often what follows must be tried
                toldOf = state.term();
            }
            // a page server that still fills the copy from it keeps its own descriptors
            ready.ifPresent(r -> ports.replicas().drop(workload, r.getGeneration()));
        }
        if (prepared.isPresent()) {
            ports.files().clearPrepared(workload);
            prepared = Optional.empty();
        }
        synchronized (announcing) {
            if (news.isEmpty() && ready.isPresent() && ready.get().getTerm() <= state.term()) {
                ports.files().clearReady(workload);
                ready = Optional.empty();
            }
        }
    }

    /** The copy that was released here is the workload now. */
    private boolean isOurs(HandoffState state) {
        return state instanceof Owned o
                && o.node().equals(ports.me())
                && released.filter(r -> r.term() == o.term()).isPresent();
    }

    private void absorbNews() {
        synchronized (announcing) {
            news.ifPresent(n -> {
                if (ready.equals(Optional.of(n.event()))) {
                    // delivered again: its limit has begun
                    return;
                }
                ready = Optional.of(n.event());
                readyAtMillis = n.atMillis();
                report.startedBy(n.trace());
            });
            news = Optional.empty();
        }
    }

    private Hold hold() {
        if (hold == null) {
            hold = runtime.hold(workload);
        }
        return hold;
    }

    /** Time passes after these, in which the copy may die. */
    private static boolean waits(DestinationStep step) {
        return step instanceof DestinationStep.Wait
                || step instanceof DestinationStep.AskOperator
                || step instanceof DestinationStep.Done;
    }

    private HandoffState publish(HandoffRecord record) {
        return ports.register().append(workload, record, ports.limits().append());
    }

    private DestinationView view(HandoffState state) {
        Optional<CopyMark> announced = ready.map(r -> new CopyMark(
                r.getTerm(), new Digest(r.getDigest().toByteArray())));
        Optional<Digest> wanted =
                switch (state) {
                    case Offered s when s.to().equals(ports.me()) -> Optional.of(s.digest());
                    case Taken s when s.to().equals(ports.me()) -> Optional.of(s.digest());
                    case Offered s -> Optional.empty();
                    case Taken s -> Optional.empty();
                    case Owned s -> announced.map(CopyMark::digest);
                    case HandoffState.Unowned s -> announced.map(CopyMark::digest);
                };
        return new DestinationView(
                workload,
                ports.me(),
                caughtUp,
                hold(),
                prepared,
                released,
                announced,
                hold() == Hold.NONE
                        && wanted.flatMap(d -> ports.replicas().sealed(workload, d))
                                .isPresent(),
                hold() == Hold.NONE && wanted.isPresent() && originalHere(),
                wanted.filter(d -> d.equals(failedDigest)).isPresent() ? failures : 0,
                ports.clock().millis() - readyAtMillis >= ports.limits().offer().toMillis());
    }

    private boolean originalHere() {
        return ports.originals().apply(workload).hold(workload) != WorkloadRuntime.Hold.NONE;
    }

    private static String describe(DestinationStep step) {
        return step instanceof DestinationStep.Append a
                ? a.record().getStepCase().name()
                : step.getClass().getSimpleName();
    }

    private void enter(DestinationStep next, HandoffState state) {
        if (!next.equals(step)) {
            LOG.infof(
                    "%s: %s -> %s in %s, term %d: %s",
                    workload,
                    step == null ? "START" : describe(step),
                    describe(next),
                    state.getClass().getSimpleName(),
                    state.term(),
                    next.why());
        }
        step = next;
    }
}
