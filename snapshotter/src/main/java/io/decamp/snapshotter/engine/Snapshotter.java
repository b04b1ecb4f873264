package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.policy.PolicyRules;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Truth;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.snapshotter.engine.model.CostModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * What this node ships: one {@link Protection} for each workload that the desired state names and the register says this
 * node owns. All changes of that set happen on one thread, so that a request, a change of owner and a change of the
 * desired state never race.
 */
public final class Snapshotter implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Snapshotter.class);
    /** Until what failed for now is tried again. */
    private static final Duration RETRY = Duration.ofSeconds(1);
    /** An epoch or a freeze ends within this; a hand-off that waits for the register does not, and is left as it is. */
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    private final SnapshotterPorts ports;
    private final Handover handover;
    private final DesiredState desired;
    private final Ownership here;
    private final Map<WorkloadId, Protection> protections = new ConcurrentSkipListMap<>(
            Comparator.comparing(WorkloadId::value));
    private final Map<String, WorkloadSpec> specs = new TreeMap<>();
    private final ControlThread control = new ControlThread();
    private final ExecutorService loops = Executors.newThreadPerTaskExecutor(
            Thread.ofPlatform().daemon().name("protect-", 0).factory());
    private final Set<WorkloadId> settling = ConcurrentHashMap.newKeySet();
    /** Claimed for a dry run alone: what is desired meanwhile is not to be undone when that is over. */
    private final Set<WorkloadId> borrowed = new HashSet<>();
    private final FrozenNotice notice;
    private final DoneRequests done;
    private final FailureReports failures;
    private final Steering.Shared shared;

    public Snapshotter(SnapshotterPorts ports, Handover handover, DesiredState desired) {
        this.ports = ports;
        this.handover = handover;
        this.desired = desired;
        this.here = new Ownership(ports);
        this.failures = new FailureReports(ports.settings().node(), ports.events());
        this.done = new DoneRequests(ports.settings().stateDirectory());
        this.shared = new Steering.Shared(new CostModel(ports.settings().stateDirectory()), new SpareProcessor());
        this.notice = new FrozenNotice(ports.settings().node(), ports.events(), control.timer(), FrozenNotice.PATIENCE);
        ports.register().onChange((workload, before, after, by) -> control.run(() -> reconcile(workload)));
    }

    /** The desired state of a workload; null when it is not wanted any more. */
    public void specified(WorkloadId workload, WorkloadSpec spec) {
        control.run(() -> {
            if (spec == null) {
                specs.remove(workload.value());
            } else if (isSound(workload, spec)) {
                specs.put(workload.value(), spec);
            }
            reconcile(workload);
        });
    }

    /** What was written past the command line may say anything. The policy before it, if there was one, stays. */
    private boolean isSound(WorkloadId workload, WorkloadSpec spec) {
        try {
            PolicyRules.require(spec.getPolicy());
            return true;
        } catch (DecampException e) {
            LOG.warnf("%s: its new policy is refused: %s", workload, e.getMessage());
            HandoffState owner = ports.register().current(workload);
            if (here.isMine(owner) || owner instanceof HandoffState.Unowned && isFirstOf(spec)) {
                failures.report(workload, "", "protect", e, Truth.RUNNING_AT_SOURCE);
            }
            return false;
        }
    }

    /** A request that named this node and was neither late nor seen before. */
    public void requested(MigrationOrder order) {
        control.run(() -> accept(order));
    }

    /** State of every workload this node runs for Decamp. */
    public Map<WorkloadId, ProtectionState> states() {
        Map<WorkloadId, ProtectionState> all = new TreeMap<>(Comparator.comparing(WorkloadId::value));
        protections.forEach((id, p) -> all.put(id, p.state()));
        return all;
    }

    /**
     * Looks at a workload of the register, since changes before the start of this service are not announced: finishes what
     * it was in the middle of. Call it once the desired state is known.
     */
    public void look(WorkloadId workload) {
        control.run(() -> {
            HandoffState owner = ports.register().current(workload);
            if (protections.containsKey(workload) || here.isLeaving(owner) || here.isFencedHere(owner)) {
                reconcile(workload);
            } else if (here.isMine(owner) && !specs.containsKey(workload.value())) {
                leftover(workload);
            } else if (!here.isMine(owner) && Replication.isLeft(ports, workload)) {
                // the other node owns it, and this one had not come to killing and forgetting
                start(workload, new Protection.Wish(null, Policy.getDefaultInstance()));
            } else if (!here.isMine(owner)) {
                settle(workload, () -> reconcile(workload));
            } else {
                reconcile(workload);
            }
        });
    }

    /** This node runs it and nobody wants it protected any more. */
    private void leftover(WorkloadId workload) {
        if (Replication.isLeft(ports, workload)) {
            start(workload, new Protection.Wish(null, Policy.getDefaultInstance()));
            protections.get(workload).release("released while the service was down");
        } else {
            settle(workload, () -> {});
        }
    }

    private void reconcile(WorkloadId workload) {
        WorkloadSpec spec = specs.get(workload.value());
        HandoffState owner = ports.register().current(workload);
        Protection running = protections.get(workload);
        boolean leaving = here.isLeaving(owner);
        if (running != null) {
            if (spec == null) {
                // a move that is on or asked for comes first
                running.release("released");
            } else {
                running.adopt(wishOf(spec));
            }
        } else if (here.isFencedHere(owner)) {
            settle(workload, () -> here.liftFence(workload));
        } else if (spec != null && (leaving || here.isMine(owner))) {
            start(workload, wishOf(spec));
        } else if (leaving) {
            settle(workload, () -> {});
        } else if (spec != null && owner instanceof HandoffState.Unowned && isFirstOf(spec)) {
            claim(workload);
        }
    }

    private static boolean isMoving(Protection running) {
        return running.state() instanceof ProtectionState.Evicting || running.state() instanceof ProtectionState.Frozen;
    }

    /** What nobody owns is looked for on the node that is named first. */
    private boolean isFirstOf(WorkloadSpec spec) {
        return spec.getNodesCount() > 0 && spec.getNodes(0).equals(self().value());
    }

    /** Sees a hand-off of an earlier incarnation to its end; on a fenced node, destroys what is there. */
    private void settle(WorkloadId workload, Runnable then) {
        if (!settling.add(workload)) {
            return;
        }
        loops.execute(() -> {
            try {
                handover.resume(workload, waiting -> notice.waits(workload, "", waiting));
                control.run(then);
            } catch (RuntimeException e) {
                LOG.warnf("%s: what an earlier run of this service left is not settled: %s", workload, e.getMessage());
                control.runLater(RETRY, () -> look(workload));
            } finally {
                notice.over(workload);
                settling.remove(workload);
            }
        });
    }

    /** The standby is the first of the workload's nodes that is not this one; null when there is none. */
    private Protection.Wish wishOf(WorkloadSpec spec) {
        NodeId standby = spec.getNodesList().stream()
                .filter(n -> !n.equals(self().value()))
                .findFirst()
                .map(NodeId::new)
                .orElse(null);
        return new Protection.Wish(standby, spec.getPolicy());
    }

    /** @return whether this node owns it now */
    private boolean claim(WorkloadId workload) {
        try {
            return here.claim(workload);
        } catch (DecampException e) {
            LOG.warnf("%s: not protected: %s", workload, e.getMessage());
            if (e.category() == DecampException.Category.RETRY) {
                control.runLater(RETRY, () -> reconcile(workload));
            } else {
                failures.report(workload, "", "protect", e, FailureReports.truthOf(e.code()));
            }
            if (e.category() == DecampException.Category.REFUSED) {
                desired.remove(workload);
            }
            return false;
        }
    }

    private void start(WorkloadId workload, Protection.Wish wish) {
        start(workload, wish, p -> {});
    }

    /** @param first what it is to do before anything else */
    private void start(WorkloadId workload, Protection.Wish wish, Consumer<Protection> first) {
        Protection p = new Protection(ports, handover, workload, wish, notice, done, shared, this::ended);
        first.accept(p);
        protections.put(workload, p);
        loops.execute(p);
    }

    private void accept(MigrationOrder order) {
        WorkloadId workload = order.workload();
        if (done.contains(order.migration())) {
            LOG.infof("%s: migration %s is over; its request came again", workload, order.migration());
            return;
        }
        HandoffState owner = ports.register().current(workload);
        Protection running = protections.get(workload);
        if (self().equals(order.destination())) {
            refuse(order, "destination-is-source", workload + " is on " + self() + " already", "Name another node");
        } else if (owner instanceof HandoffState.Owned o && !o.node().equals(self())) {
            refuse(order, "workload-elsewhere", workload + " runs on " + o.node() + ", not on " + self(),
                    "Ask for it with node " + o.node());
        } else if (owner instanceof HandoffState.Offered || owner instanceof HandoffState.Taken
                || (running != null && isMoving(running))) {
            refuse(order, "already-migrating", workload + " is being moved already", "Wait for that move to end");
        } else {
            evict(order, owner, running);
        }
    }

    private void evict(MigrationOrder order, HandoffState owner, Protection running) {
        WorkloadId workload = order.workload();
        try {
            if (running != null) {
                running.evict(order);
                return;
            }
            here.requireMovable(workload);
            if (owner instanceof HandoffState.Unowned && !claim(workload)) {
                throw DecampException.retry(
                        "not-claimed", workload + " could not be claimed for " + self(), "Ask again", null);
            }
            start(workload, new Protection.Wish(onlyOther(), Policy.getDefaultInstance()), p -> {
                p.evict(order);
                if (order.dryRun()) {
                    borrowed.add(workload);
                    p.release("a dry run of what nobody protects");
                }
            });
        } catch (DecampException e) {
            refuse(order, e.code(), e.getMessage(), e.advice());
        }
    }

    /** The standby of a workload that was never protected: clear only where there are just two nodes. */
    private NodeId onlyOther() {
        List<NodeId> others = new ArrayList<>(ports.nodes().all());
        others.remove(self());
        return others.size() == 1 ? others.getFirst() : null;
    }

    private void ended(WorkloadId workload, ProtectionState last) {
        control.run(() -> {
            protections.remove(workload);
            if (last instanceof ProtectionState.Ended e) {
                release(workload, e.reason());
            }
            // what changed while it ended was not for it
            reconcile(workload);
        });
    }

    /** Tried until the register says so: else nobody could protect it again. */
    private void release(WorkloadId workload, String reason) {
        HandoffState owner = ports.register().current(workload);
        if (here.isMine(owner)) {
            try {
                ports.register()
                        .append(
                                workload,
                                HandoffRecords.ended(workload, owner, self(), reason),
                                Ownership.REGISTER_LIMIT);
            } catch (DecampException e) {
                LOG.warnf("%s: not released yet: %s", workload, e.getMessage());
                control.runLater(RETRY, () -> release(workload, reason));
                return;
            }
            if (!borrowed.remove(workload)) {
                specs.remove(workload.value());
                desired.remove(workload);
            }
        }
    }

    private void refuse(MigrationOrder order, String code, String reason, String advice) {
        done.add(order.migration());
        DecampException refusal = DecampException.refused(code, reason, advice);
        failures.report(order.workload(), order.migration(), "request", refusal, FailureReports.truthOf(code));
    }

    private NodeId self() {
        return ports.settings().node();
    }

    /**
     * Stops the loops. What runs goes on to run, tracked, and what is frozen stays frozen, for the next start of this
     * service.
     */
    @Override
    public void close() {
        control.close();
        protections.values().forEach(Protection::stop);
        loops.shutdown();
        try {
            if (!loops.awaitTermination(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                loops.shutdownNow();
                loops.awaitTermination(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
