package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.Severity;
import java.time.Duration;

/** What the register says of this node and a workload, and how this node comes to own one. Thread safe. */
final class Ownership {
    /** A register that answers at all does so far sooner; longer than a broker's restart. */
    static final Duration REGISTER_LIMIT = Duration.ofSeconds(30);

    private final SnapshotterPorts ports;

    Ownership(SnapshotterPorts ports) {
        this.ports = ports;
    }

    boolean isMine(HandoffState owner) {
        return owner instanceof HandoffState.Owned o && o.node().equals(self());
    }

    boolean isLeaving(HandoffState owner) {
        return owner instanceof HandoffState.Offered o && o.from().equals(self())
                || owner instanceof HandoffState.Taken t && t.from().equals(self());
    }

    boolean isFencedHere(HandoffState owner) {
        return owner instanceof HandoffState.Unowned u && u.fenced().filter(self()::equals).isPresent();
    }

    /**
     * Asks to own what nobody owns.
     *
     * @return whether this node owns it now
     * @throws DecampException what can't be moved, or {@code register-*}
     */
    boolean claim(WorkloadId workload) {
        requireMovable(workload);
        return isMine(ports.register()
                .append(
                        workload,
                        HandoffRecords.claim(workload, ports.register().current(workload), self()),
                        REGISTER_LIMIT));
    }

    /** What can't be moved, or would be started again behind our back, is refused now and not in the hour of need. */
    void requireMovable(WorkloadId workload) {
        WorkloadRuntime.Found found = ports.runtime(workload).find(workload);
        if (found.state() == WorkloadRuntime.State.STOPPED) {
            throw DecampException.refused(
                    "workload-not-found", workload + " does not run on " + self(), "Start it, then protect it");
        }
        ports.runtime(workload).check(workload).getFindingsList().stream()
                .filter(finding -> finding.getSeverity() == Severity.BLOCKER)
                .findFirst()
                .ifPresent(finding -> {
                    throw DecampException.refused(finding.getCode(), finding.getWhat(), finding.getAdvice());
                });
    }

    /** Nothing of it is here any more: what is started under this name from now on is a new workload. */
    void liftFence(WorkloadId workload) {
        HandoffState fenced = ports.register().current(workload);
        if (isFencedHere(fenced)) {
            HandoffState claimed = ports.register()
                    .append(workload, HandoffRecords.claim(workload, fenced, self()), REGISTER_LIMIT);
            ports.register()
                    .append(
                            workload,
                            HandoffRecords.ended(workload, claimed, self(), "destroyed because this node was fenced"),
                            REGISTER_LIMIT);
        }
    }

    private NodeId self() {
        return ports.settings().node();
    }
}
