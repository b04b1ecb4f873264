package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.SnapshotReady;
import io.opentelemetry.context.Context;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/**
 * Brings up every copy that this node is the destination of. A change of the register, a {@code snapshot-ready} or a
 * limit wakes the {@link DestinationCase} it concerns; each runs on one thread at a time.
 */
public final class DestinationHandoff implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(DestinationHandoff.class);

    /** Restores at the same time; more would share the same cores and memory bandwidth, and each be frozen longer. */
    private static final int MAX_RESTORES = 16;

    private final DestinationPorts ports;
    private final Map<WorkloadId, Cell> cells = new ConcurrentHashMap<>();
    private final AtomicBoolean rehearsed = new AtomicBoolean();
    private final Map<WorkloadId, Warming> warming = new ConcurrentHashMap<>();
    private final ExecutorService workers = Executors.newFixedThreadPool(
            MAX_RESTORES, Thread.ofPlatform().daemon().name("restore-", 0).factory());
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("restore-timer").factory());

    /** Runs its case whenever it was woken since the last look, on one thread at a time. */
    private final class Cell {
        private final WorkloadId workload;
        private final AtomicInteger wakes = new AtomicInteger();
        private final Object making = new Object();
        private DestinationCase theCase;
        private volatile DestinationStep last = new DestinationStep.Done("not looked at yet");

        Cell(WorkloadId workload) {
            this.workload = workload;
        }

        void wake() {
            if (wakes.getAndIncrement() == 0) {
                inBackground(workload, this::run);
            }
        }

        private void run() {
            int seen;
            do {
                seen = wakes.get();
                try {
                    stepUntilItWaits();
                } catch (RuntimeException e) {
                    LOG.errorf(e, "%s: the copy can't be looked after", workload);
                    last = new DestinationStep.Unreachable(e.toString());
                    wakeAfter(ports.limits().retry());
                }
            } while (!wakes.compareAndSet(seen, 0));
        }

        private void stepUntilItWaits() {
            while (true) {
                last = theCase().step();
                switch (last) {
                    case DestinationStep.CatchUp s -> {}
                    case DestinationStep.Prepare s -> {}
                    case DestinationStep.Append s -> {}
                    case DestinationStep.WriteReleased s -> {}
                    case DestinationStep.Release s -> {}
                    case DestinationStep.Destroy s -> {}
                    case DestinationStep.KillReleased s -> {}
                    case DestinationStep.ClearReleased s -> {}
                    case DestinationStep.Wait s -> {
                        wakeAfter(ports.limits().offer());
                        return;
                    }
                    case DestinationStep.Unreachable s -> {
                        wakeAfter(ports.limits().retry());
                        return;
                    }
                    case DestinationStep.AskOperator s -> {
                        return;
                    }
                    case DestinationStep.Done s -> {
                        return;
                    }
                }
            }
        }

        DestinationCase theCase() {
            synchronized (making) {
                if (theCase == null) {
                    theCase = new DestinationCase(workload, ports);
                }
                return theCase;
            }
        }

        private void wakeAfter(Duration limit) {
            try {
                timer.schedule(this::wake, limit.toNanos(), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                LOG.debugf("%s: the service is ending", workload);
            }
        }
    }

    public DestinationHandoff(DestinationPorts ports) {
        this.ports = ports;
        ports.register().onChange((workload, before, after, by) -> {
            if (concerns(after) || cells.containsKey(workload)) {
                cell(workload).wake();
            }
        });
    }

    /** Goes on with everything that an earlier incarnation of this service left. */
    public void start() {
        ports.files().known().forEach(workload -> cell(workload).wake());
    }

    /** Looks at a workload whose register may concern this node, since changes before the start are not announced. */
    public void look(WorkloadId workload) {
        if (concerns(ports.register().current(workload))) {
            cell(workload).wake();
        }
    }

    /**
     * A replica is final. Its restore may begin before the OFFER was read. Returns when the event is remembered: it
     * need not be delivered again.
     *
     * @throws DecampException {@code bad-workload}, {@code handoff-files}
     */
    public void ready(SnapshotReady event, Context context) {
        if (!event.getDestination().equals(ports.me().value())) {
            // a workload has one standby at a time
            cool(new WorkloadId(event.getWorkload()));
            return;
        }
        if (!event.getFinal()) {
            rehearse(new WorkloadId(event.getWorkload()), event.getGeneration());
            warm(new WorkloadId(event.getWorkload()), event.getGeneration());
            return;
        }
        Cell cell = cell(new WorkloadId(event.getWorkload()));
        cell.theCase().ready(event, context);
        cell.wake();
    }

    /**
     * Asks for a replica once while nothing is frozen. Where another service keeps it, the first question of all opens
     * the channel and loads the code, which takes a second and more on a busy host.
     */
    private void rehearse(WorkloadId workload, long generation) {
        if (!rehearsed.compareAndSet(false, true)) {
            return;
        }
        inBackground(workload, () -> {
            try {
                ports.replicas().sealed(workload, generation);
            } catch (DecampException e) {
                rehearsed.set(false);
                LOG.debugf("%s: replicas can't be asked for yet: %s", workload, e.getMessage());
            }
        });
    }

    /** Gets ready what can be before anything is frozen; what is lacking is told in time to do something about it. */
    private void warm(WorkloadId workload, long generation) {
        Warming state = warming.computeIfAbsent(workload, w -> new Warming());
        if (!state.begin(ports.clock().millis())) {
            return;
        }
        inBackground(workload, () -> {
            try {
                ports.replicas()
                        .standing(workload, generation)
                        .ifPresent(replica -> ports.runtimes().apply(workload).warm(workload, replica));
                state.succeeded();
            } catch (RuntimeException e) {
                if (state.failed(ports.clock().millis(), e.toString())) {
                    LOG.warnf("%s could not move here as it is: %s", workload, described(e));
                }
            }
        });
    }

    /** This node is no standby of the workload any more. */
    public void cool(WorkloadId workload) {
        if (warming.remove(workload) == null) {
            return;
        }
        inBackground(workload, () -> {
            try {
                ports.runtimes().apply(workload).cool(workload);
            } catch (RuntimeException e) {
                LOG.warnf("%s: what was made ready for it here stays: %s", workload, described(e));
            }
        });
    }

    private static String described(RuntimeException e) {
        return e instanceof DecampException d ? d.getMessage() + ". " + d.advice() : e.toString();
    }

    private void inBackground(WorkloadId workload, Runnable work) {
        try {
            workers.execute(work);
        } catch (RejectedExecutionException e) {
            LOG.debugf("%s: the service is ending", workload);
        }
    }

    /** What is done or waited for, of each workload that has something here. */
    public Map<WorkloadId, DestinationStep> steps() {
        Map<WorkloadId, DestinationStep> all = new TreeMap<>(Comparator.comparing(WorkloadId::value));
        cells.forEach((id, cell) -> all.put(id, cell.last));
        return all;
    }

    private Cell cell(WorkloadId workload) {
        return cells.computeIfAbsent(workload, Cell::new);
    }

    private boolean concerns(HandoffState state) {
        NodeId me = ports.me();
        return switch (state) {
            case HandoffState.Unowned s -> s.fenced().filter(me::equals).isPresent();
            case HandoffState.Owned s -> false;
            case HandoffState.Offered s -> s.to().equals(me);
            case HandoffState.Taken s -> s.to().equals(me);
        };
    }

    /** Copies stay as they are, for the next start. */
    @Override
    public void close() {
        timer.shutdownNow();
        workers.close();
    }
}
