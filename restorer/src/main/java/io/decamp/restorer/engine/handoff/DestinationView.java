package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime.Hold;
import java.util.Optional;

/**
 * What the destination knows besides the register.
 *
 * @param caughtUp the register was read up to a point after the start of this service, or nothing was here then
 * @param prepared what the copy that is here was made of
 * @param ready the last final {@code snapshot-ready}
 * @param replicaThere the replica that the register, or else {@code ready}, names by its digest is sealed here;
 *     asked for only when no copy is here
 * @param originalHere a frozen original of an earlier move away from here is not dead yet; asked for only when no copy
 *     is here
 * @param failures how often no copy could be made of it, since the service started
 * @param waitedEnough the OFFER that {@code ready} announced is late
 */
public record DestinationView(
        WorkloadId workload,
        NodeId me,
        boolean caughtUp,
        Hold hold,
        Optional<CopyMark> prepared,
        Optional<Released> released,
        Optional<CopyMark> ready,
        boolean replicaThere,
        boolean originalHere,
        int failures,
        boolean waitedEnough) {

    boolean copyIs(Digest digest) {
        return hold == Hold.HELD
                && prepared.map(CopyMark::digest).filter(digest::equals).isPresent();
    }

    /** Whether it was let run, or was about to be: no longer something to destroy without a thought. */
    boolean letGo() {
        return hold == Hold.RELEASING || hold == Hold.RELEASED;
    }

    boolean somethingToDestroy() {
        return hold == Hold.HELD || hold == Hold.PARTIAL;
    }

    /** Whether a state at {@code term} is older than what this node has itself released. */
    boolean beforeRelease(long term) {
        return released.isPresent() && term < released.get().term();
    }
}
