package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.Claim;
import io.decamp.contracts.v1.Ended;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Truth;
import io.decamp.contracts.v1.WorkloadSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jboss.logging.Logger;

/**
 * What this node ships: one {@link Protection} for each workload that the desired state names and the register says this
 * node owns. All changes of that set happen on one thread, so that a request, a change of owner and a change of the
 * desired state never race.
 */
public final class Snapshotter implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(Snapshotter.class);
    /** A register that answers at all does so far sooner; longer than a broker's restart. */
    private static final Duration REGISTER_LIMIT = Duration.ofSeconds(30);

    private final SnapshotterPorts ports;
    private final Handover handover;
    private final DesiredState desired;
    private final Map<WorkloadId, Protection> protections = new ConcurrentSkipListMap<>(
            Comparator.comparing(WorkloadId::value));
    private final Map<String, WorkloadSpec> specs = new TreeMap<>();
    private final ExecutorService control = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("snapshotter").factory());
    private final ExecutorService loops = Executors.newThreadPerTaskExecutor(
            Thread.ofPlatform().daemon().name("protect-", 0).factory());
    private volatile boolean closed;

    public Snapshotter(SnapshotterPorts ports, Handover handover, DesiredState desired) {
        this.ports = ports;
        this.handover = handover;
        this.desired = desired;
        ports.register().onChange((workload, before, after, by) -> onControl(() -> reconcile(workload)));
    }

    /** The desired state of a workload; null when it is not wanted any more. */
    public void specified(WorkloadId workload, WorkloadSpec spec) {
        onControl(() -> {
            if (spec == null) {
                specs.remove(workload.value());
            } else {
                specs.put(workload.value(), spec);
            }
            reconcile(workload);
        });
    }

    /** A request that named this node and was neither late nor seen before. */
    public void requested(MigrationOrder order) {
        onControl(() -> accept(order));
    }

    /** State of every workload this node runs for Decamp. */
    public Map<WorkloadId, ProtectionState> states() {
        Map<WorkloadId, ProtectionState> all = new TreeMap<>(Comparator.comparing(WorkloadId::value));
        protections.forEach((id, p) -> all.put(id, p.state()));
        return all;
    }

    private void reconcile(WorkloadId workload) {
        WorkloadSpec spec = specs.get(workload.value());
        HandoffState owner = ports.register().current(workload);
        Protection running = protections.get(workload);
        boolean mine = owner instanceof HandoffState.Owned o && o.node().equals(self());
        if (spec == null) {
            if (running != null && !(running.state() instanceof ProtectionState.Evicting)) {
                running.release("released");
            }
        } else if (running == null) {
            if (mine || (owner instanceof HandoffState.Offered o && o.from().equals(self()))
                    || (owner instanceof HandoffState.Taken t && t.from().equals(self()))) {
                start(workload, standbyOf(spec), spec.getPolicy());
            } else if (owner instanceof HandoffState.Unowned && spec.getNodesCount() > 0
                    && spec.getNodes(0).equals(self().value())) {
                claim(workload, spec);
            }
        }
    }

    /** The first of the workload's nodes that is not this one; null when there is none. */
    private NodeId standbyOf(WorkloadSpec spec) {
        return spec.getNodesList().stream()
                .filter(n -> !n.equals(self().value()))
                .findFirst()
                .map(NodeId::new)
                .orElse(null);
    }

    private void claim(WorkloadId workload, WorkloadSpec spec) {
        try {
            requireRunning(workload);
            ports.register()
                    .append(
                            workload,
                            HandoffRecord.newBuilder()
                                    .setWorkload(workload.value())
                                    .setTerm(ports.register().current(workload).term() + 1)
                                    .setClaim(Claim.newBuilder().setNode(self().value()))
                                    .build(),
                            REGISTER_LIMIT);
        } catch (DecampException e) {
            LOG.warnf("%s: not protected: %s", workload, e.getMessage());
            failed(workload, "", "protect", e, Truth.NOT_HERE);
            if (e.category() == DecampException.Category.REFUSED) {
                desired.remove(workload);
            }
        }
    }

    private void requireRunning(WorkloadId workload) {
        WorkloadRuntime.Found found = ports.runtime(workload).find(workload);
        if (found.state() == WorkloadRuntime.State.STOPPED) {
            throw DecampException.refused(
                    "workload-not-found", workload + " does not run on " + self(), "Start it, then protect it");
        }
    }

    private void start(WorkloadId workload, NodeId standby, Policy policy) {
        Protection p = new Protection(ports, handover, workload, standby, policy, this::ended);
        protections.put(workload, p);
        loops.execute(p);
    }

    private void accept(MigrationOrder order) {
        WorkloadId workload = order.workload();
        HandoffState owner = ports.register().current(workload);
        Protection running = protections.get(workload);
        if (self().equals(order.destination())) {
            refuse(order, "destination-is-source", workload + " is on " + self() + " already", "Name another node");
        } else if (owner instanceof HandoffState.Owned o && !o.node().equals(self())) {
            refuse(order, "workload-elsewhere", workload + " runs on " + o.node() + ", not on " + self(),
                    "Ask for it with node " + o.node());
        } else if (owner instanceof HandoffState.Offered || owner instanceof HandoffState.Taken
                || (running != null && running.state() instanceof ProtectionState.Evicting)) {
            refuse(order, "already-migrating", workload + " is being moved already", "Wait for that move to end");
        } else {
            evict(order, owner, running);
        }
    }

    private void evict(MigrationOrder order, HandoffState owner, Protection running) {
        WorkloadId workload = order.workload();
        try {
            if (running == null) {
                requireRunning(workload);
                if (owner instanceof HandoffState.Unowned) {
                    claim(workload, null);
                }
                start(workload, onlyOther(), Policy.getDefaultInstance());
            }
            protections.get(workload).evict(order);
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
        onControl(() -> {
            protections.remove(workload);
            if (last instanceof ProtectionState.Ended e) {
                release(workload, e.reason());
            }
        });
    }

    private void release(WorkloadId workload, String reason) {
        HandoffState owner = ports.register().current(workload);
        if (owner instanceof HandoffState.Owned o && o.node().equals(self())) {
            ports.register()
                    .append(
                            workload,
                            HandoffRecord.newBuilder()
                                    .setWorkload(workload.value())
                                    .setTerm(o.term())
                                    .setEnded(Ended.newBuilder().setNode(self().value()).setReason(reason))
                                    .build(),
                            REGISTER_LIMIT);
        }
        specs.remove(workload.value());
        desired.remove(workload);
    }

    private void refuse(MigrationOrder order, String code, String reason, String advice) {
        Truth truth = code.equals("workload-elsewhere") || code.equals("workload-not-found")
                ? Truth.NOT_HERE
                : Truth.RUNNING_AT_SOURCE;
        failed(order.workload(), order.migration(), "request", DecampException.refused(code, reason, advice), truth);
    }

    private void failed(WorkloadId workload, String migration, String step, DecampException e, Truth truth) {
        ports.events()
                .migrationFailed(MigrationFailed.newBuilder()
                        .setWorkload(workload.value())
                        .setMigration(migration)
                        .setNode(self().value())
                        .setStep(step)
                        .setCode(e.code())
                        .setReason(e.getMessage())
                        .setAdvice(e.advice())
                        .setTruth(truth)
                        .build());
    }

    private NodeId self() {
        return ports.settings().node();
    }

    private void onControl(Runnable work) {
        if (closed) {
            return;
        }
        control.execute(() -> {
            try {
                work.run();
            } catch (RuntimeException e) {
                LOG.error("Snapshotter could not act on an event", e);
            }
        });
    }

    /** Stops the loops; workloads run on, tracked, for the next start of this service. */
    @Override
    public void close() {
        closed = true;
        control.shutdown();
        protections.values().forEach(Protection::stop);
        loops.close();
    }
}
