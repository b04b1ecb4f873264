package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Unowned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.snapshotter.engine.Handover;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Sees each hand-off that this node is the source of to its end: kills on {@code Owned(to)}, thaws on {@code
 * Owned(from)}, and stays frozen otherwise, also when the register can't be reached. Blocks the calling thread, one
 * per workload; a thread that is interrupted leaves everything as it is, for {@link #resume} of the next start.
 */
public final class SourceHandoff implements Handover {
    private static final Logger LOG = Logger.getLogger(SourceHandoff.class);

    private final NodeId me;
    private final Function<WorkloadId, WorkloadRuntime> runtimes;
    private final HandoffRegister register;
    private final OfferMarks marks;
    private final HandoffLimits limits;
    private final Clock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<WorkloadId, String> waitingFor = new ConcurrentHashMap<>();
    private final Set<WorkloadId> driven = ConcurrentHashMap.newKeySet();
    private long changes;

    public SourceHandoff(
            NodeId me,
            Function<WorkloadId, WorkloadRuntime> runtimes,
            HandoffRegister register,
            OfferMarks marks,
            HandoffLimits limits,
            Clock clock) {
        this.me = me;
        this.runtimes = runtimes;
        this.register = register;
        this.marks = marks;
        this.limits = limits;
        this.clock = clock;
        register.onChange((workload, before, after, by) -> onChange(workload, after));
    }

    /** @throws DecampException nothing was offered; the workload runs on */
    @Override
    public Outcome offer(
            WorkloadId workload, NodeId to, Digest digest, String migration, Consumer<String> waiting) {
        WorkloadRuntime runtime = runtimes.apply(workload);
        SourceCase c;
        try {
            c = SourceCase.offer(
                    me, workload, to, digest, migration, runtime, register, marks, limits, clock);
        } catch (DecampException e) {
            runtime.thaw(workload);
            throw e;
        }
        return drive(workload, c, waiting);
    }

    /**
     * Needs the register only when something was offered: what was merely frozen when the service died runs on at once.
     */
    @Override
    public Optional<Outcome> resume(WorkloadId workload, Consumer<String> waiting) {
        WorkloadRuntime runtime = runtimes.apply(workload);
        // asked first, because asking a runtime for the workload itself takes tens of milliseconds
        boolean open = marks.read(workload).isPresent()
                || runtime.hold(workload) != WorkloadRuntime.Hold.NONE
                || mustAnswer(register.current(workload));
        if (!open) {
            return Optional.empty();
        }
        SourceCase c = SourceCase.resume(me, workload, runtime, register, marks, limits, clock);
        return Optional.of(drive(workload, c, waiting));
    }

    /** What each frozen workload waits for, for people. */
    public Map<WorkloadId, String> waitingFor() {
        return Map.copyOf(waitingFor);
    }

    /** The register names this node as one that holds the original, or as one that must destroy what it holds. */
    private boolean mustAnswer(HandoffState state) {
        return switch (state) {
            case Unowned s -> fenced(s);
            case HandoffState.Owned s -> false;
            case HandoffState.Offered s -> s.from().equals(me);
            case HandoffState.Taken s -> s.from().equals(me);
        };
    }

    private boolean fenced(HandoffState state) {
        return state instanceof Unowned s && s.fenced().filter(me::equals).isPresent();
    }

    private Outcome drive(WorkloadId workload, SourceCase c, Consumer<String> waiting) {
        driven.add(workload);
        try {
            while (true) {
                long seen = changes();
                SourceStep step = c.step();
                switch (step) {
                    case SourceStep.CatchUp s -> {}
                    case SourceStep.Append s -> {}
                    case SourceStep.Thaw s -> {}
                    case SourceStep.Kill s -> {}
                    case SourceStep.ClearMark s -> {}
                    case SourceStep.Done s -> {
                        return s.outcome();
                    }
                    case SourceStep.Wait s -> pause(workload, s.why(), seen, c.untilGiveUp(), waiting);
                    case SourceStep.Unreachable s -> pause(workload, s.why(), seen, limits.retry(), waiting);
                    case SourceStep.AskOperator s -> pause(workload, s.why(), seen, limits.retry(), waiting);
                }
            }
        } finally {
            driven.remove(workload);
            waitingFor.remove(workload);
        }
    }

    /** Until the register changes, at most {@code limit}. */
    private void pause(WorkloadId workload, String why, long seen, Duration limit, Consumer<String> waiting) {
        if (!why.equals(waitingFor.put(workload, why))) {
            waiting.accept(why);
        }
        lock.lock();
        try {
            long left = limit.toNanos();
            while (changes == seen && left > 0) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry(
                    INTERRUPTED,
                    workload + " stays as it is: it waits for " + why,
                    "Start the service again: it goes on from the register",
                    e);
        } finally {
            lock.unlock();
        }
    }

    private long changes() {
        lock.lock();
        try {
            return changes;
        } finally {
            lock.unlock();
        }
    }

    private void onChange(WorkloadId workload, HandoffState after) {
        lock.lock();
        try {
            changes++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (fenced(after) && !driven.contains(workload)) {
            Thread.ofPlatform().daemon().name("fenced-" + workload.fileName()).start(() -> destroyFenced(workload));
        }
    }

    private void destroyFenced(WorkloadId workload) {
        try {
            LOG.warnf("%s: this node was declared fenced: destroys what it holds", workload);
            resume(workload, why -> LOG.warnf("%s: fenced, waits for %s", workload, why));
        } catch (RuntimeException e) {
            LOG.errorf(e, "%s: fenced, and could not destroy what is here", workload);
        }
    }
}
