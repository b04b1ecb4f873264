package io.decamp.restorer.edge;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Truth;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.restorer.engine.lazy.LazyPages;
import org.jboss.logging.Logger;

/** Stops a copy whose memory can't be provided any more, and says so. */
final class LazyTeller implements LazyPages.Listener {
    private static final Logger LOG = Logger.getLogger(LazyTeller.class);

    private final LostCopies lost;
    private final EventSink events;
    private final NodeId node;

    LazyTeller(LostCopies lost, EventSink events, NodeId node) {
        this.lost = lost;
        this.events = events;
        this.node = node;
    }

    @Override
    public void onComplete(WorkloadId id, LazyPages.Report report) {
        LOG.infof(
                "%s: all memory is in place: %d bytes filled in %d ms, %d faults, %d take-overs",
                id, report.filledBytes(), report.fillMillis(), report.faults(), report.takeOvers());
    }

    @Override
    public void onLost(WorkloadId id, DecampException reason) {
        lost.freeze(id);
        LOG.errorf("%s: frozen, because its memory is lost: %s. %s", id, reason.getMessage(), reason.advice());
        events.migrationFailed(MigrationFailed.newBuilder()
                .setWorkload(id.value())
                .setNode(node.value())
                .setStep("release")
                .setCode(reason.code())
                .setReason(reason.getMessage())
                .setAdvice(reason.advice())
                .setTruth(Truth.UNKNOWN)
                .setWaitingFor("an operator")
                .build());
    }

    /** How a copy is stopped at once, whatever its runtime. */
    interface LostCopies {
        void freeze(WorkloadId id);
    }
}
