package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.snapshotter.engine.handoff.SourceView.Presence;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * The hand-off of one workload at its source, a step at a time; {@link SourceRule} decides each. Never waits for
 * anything but one answer of the register. Not thread-safe. To go on after a restart is to make a new one over the
 * same ports.
 */
public final class SourceCase {
    private static final Logger LOG = Logger.getLogger(SourceCase.class);

    private final NodeId me;
    private final WorkloadId workload;
    private final WorkloadRuntime runtime;
    private final HandoffRegister register;
    private final OfferMarks marks;
    private final HandoffLimits limits;
    private final Clock clock;

    private boolean caughtUp;
    private Optional<OfferMark> mark = Optional.empty();
    private boolean held;
    private Presence presence;
    private HandoffState state = HandoffState.NOBODY;
    private SourceStep step;
    private SourceStep lastFailure;

    private SourceCase(
            NodeId me,
            WorkloadId workload,
            WorkloadRuntime runtime,
            HandoffRegister register,
            OfferMarks marks,
            HandoffLimits limits,
            Clock clock) {
        this.me = me;
        this.workload = workload;
        this.runtime = runtime;
        this.register = register;
        this.marks = marks;
        this.limits = limits;
        this.clock = clock;
    }

    /**
     * After a freeze. Nothing was sent yet when this throws.
     *
     * @throws DecampException {@code not-owner}, {@code offer-mark}: the caller may thaw
     */
    public static SourceCase offer(
            NodeId me,
            WorkloadId workload,
            NodeId to,
            Digest digest,
            String migration,
            WorkloadRuntime runtime,
            HandoffRegister register,
            OfferMarks marks,
            HandoffLimits limits,
            Clock clock) {
        HandoffState state = register.current(workload);
        if (!(state instanceof Owned owned) || !owned.node().equals(me)) {
            throw DecampException.abort(
                    "not-owner",
                    me + " can't offer " + workload + ": " + state,
                    "Ask the node that owns it, see `decamp status`",
                    null);
        }
        SourceCase c = new SourceCase(me, workload, runtime, register, marks, limits, clock);
        OfferMark mark = new OfferMark(owned.term() + 1, to, digest, migration, clock.millis());
        marks.write(workload, mark);
        c.mark = Optional.of(mark);
        c.caughtUp = true;
        c.held = true;
        c.presence = Presence.FROZEN;
        return c;
    }

    /** After a restart: what is there is read from the node, what is true from the register. */
    public static SourceCase resume(
            NodeId me,
            WorkloadId workload,
            WorkloadRuntime runtime,
            HandoffRegister register,
            OfferMarks marks,
            HandoffLimits limits,
            Clock clock) {
        SourceCase c = new SourceCase(me, workload, runtime, register, marks, limits, clock);
        c.mark = marks.read(workload);
        c.held = runtime.hold(workload) != WorkloadRuntime.Hold.NONE;
        c.presence = c.look();
        return c;
    }

    /** Whether a freeze or an offer of an earlier incarnation of this service is still open. */
    public boolean open() {
        return mark.isPresent() || held;
    }

    /** Decides and acts once. Throws nothing that may pass. @return what was done, or what it waits for */
    public SourceStep step() {
        SourceStep next = new SourceStep.Unreachable("the register");
        try {
            state = register.current(workload);
            next = SourceRule.decide(state, view());
            switch (next) {
                case SourceStep.CatchUp s -> {
                    enter(next);
                    publish(HandoffRecords.barrier(workload, me));
                    caughtUp = true;
                }
                case SourceStep.Append s -> {
                    enter(next);
                    publish(s.record());
                }
                case SourceStep.Thaw s -> {
                    enter(next);
                    runtime.thaw(workload);
                    held = false;
                    presence = look();
                }
                case SourceStep.Kill s -> {
                    enter(next);
                    runtime.kill(workload);
                    held = false;
                    presence = Presence.ABSENT;
                }
                case SourceStep.ClearMark s -> {
                    enter(next);
                    marks.clear(workload);
                    mark = Optional.empty();
                }
                case SourceStep.Wait s -> enter(next);
                case SourceStep.AskOperator s -> enter(next);
                case SourceStep.Done s -> enter(next);
                case SourceStep.Unreachable s -> throw new AssertionError("Not a decision: " + s);
            }
        } catch (RuntimeException e) {
            String action = describe(next);
            next = new SourceStep.Unreachable(action + ": " + e.getMessage());
            if (!(e instanceof DecampException) && !next.equals(lastFailure)) {
                LOG.errorf(e, "%s: %s failed in a way nobody foresaw; it is tried again", workload, action);
            }
            lastFailure = next;
            enter(next);
        }
        return next;
    }

    /** How long nothing changes by itself: until the limit for TAKE, then for ever. */
    Duration untilGiveUp() {
        return mark.map(m -> Duration.between(
                        clock.instant(), Instant.ofEpochMilli(m.offeredAtUnixMillis()).plus(limits.take(workload))))
                .filter(d -> !d.isNegative() && !d.isZero())
                .orElse(limits.retry());
    }

    private SourceView view() {
        boolean giveUp = mark.isPresent()
                && clock.millis() - mark.get().offeredAtUnixMillis() >= limits.take(workload).toMillis();
        return new SourceView(workload, me, caughtUp, mark, held, presence, giveUp);
    }

    private void publish(HandoffRecord record) {
        register.append(workload, record, limits.append());
    }

    private Presence look() {
        try {
            return switch (runtime.find(workload).state()) {
                case RUNNING -> Presence.RUNNING;
                case FROZEN -> Presence.FROZEN;
                case STOPPED -> Presence.ABSENT;
            };
        } catch (DecampException e) {
            if (e.code().equals("workload-not-found")) {
                return Presence.ABSENT;
            }
            throw e;
        }
    }

    private static String describe(SourceStep step) {
        return step instanceof SourceStep.Append a
                ? a.record().getStepCase().name()
                : step.getClass().getSimpleName();
    }

    private void enter(SourceStep next) {
        if (!next.equals(step)) {
            LOG.infof(
                    "%s: %s -> %s in %s, term %d: %s",
                    workload,
                    step == null ? "FROZEN" : describe(step),
                    describe(next),
                    state.getClass().getSimpleName(),
                    state.term(),
                    next.why());
        }
        step = next;
    }
}
