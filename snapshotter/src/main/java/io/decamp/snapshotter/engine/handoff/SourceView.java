package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.util.Optional;

/**
 * What the source knows besides the register.
 *
 * @param caughtUp the register was read up to a point after the start of this service
 * @param held at least one lock of a freeze is on
 * @param giveUp the limit for TAKE has passed
 */
public record SourceView(
        WorkloadId workload,
        NodeId me,
        boolean caughtUp,
        Optional<OfferMark> mark,
        boolean held,
        Presence presence,
        boolean giveUp) {
    /** What there is of the workload's tasks on this node. */
    public enum Presence {
        ABSENT,
        FROZEN,
        RUNNING
    }

    boolean absent() {
        return presence == Presence.ABSENT;
    }

    /** Whether the state at {@code term} is older than the offer, so that the offer may still be on its way. */
    boolean before(long term) {
        return mark.isPresent() && term < mark.get().term();
    }
}
