package io.decamp.coordinator.engine.plan;

import java.util.Set;

/**
 * A workload that is to leave its node, as far as the order of leaving is concerned.
 *
 * @param workload id
 * @param priority of its policy; see {@link #weight()}
 * @param linkMicros of its eviction to its standby: the part that needs the node's link
 * @param fixedMicros the part that does not: freeze, hand-off, restore
 * @param copyMicros on the link besides, when it goes where no replica of it is
 * @param bytes of memory that it takes at its destination
 * @param standby node that holds its replica, empty for none
 * @param wanted node that it must go to, empty for any
 * @param avoided nodes that it failed to go to
 */
public record Candidate(
        String workload,
        int priority,
        long linkMicros,
        long fixedMicros,
        long copyMicros,
        long bytes,
        String standby,
        String wanted,
        Set<String> avoided) {
    /** Beyond this, one workload outweighs all others of a host anyway. */
    private static final int STEEPEST = 20;

    public Candidate {
        avoided = Set.copyOf(avoided);
        if (linkMicros < 0 || fixedMicros < 0 || copyMicros < 0 || bytes < 0) {
            throw new IllegalArgumentException("negative: " + workload + " " + linkMicros + " " + fixedMicros);
        }
    }

    /** What saving it is worth: one of priority p as much as two of p - 1. */
    public double weight() {
        return Math.scalb(1.0, Math.clamp(priority, -STEEPEST, STEEPEST));
    }

    /** Until it is away, when nothing else moves and its replica is where it goes. */
    public long aloneMicros() {
        return linkMicros + fixedMicros;
    }

    long linkMicrosTo(String destination) {
        return destination.equals(standby) ? linkMicros : linkMicros + copyMicros;
    }
}
