package io.decamp.requesters.rebalance;

import java.util.Set;

/**
 * A workload that may be moved.
 *
 * @param node where it runs
 * @param bytes its memory
 * @param standby where its memory is shipped to already
 * @param destinations where it may go
 * @param evictionMicros predicted, to its standby
 */
public record Movable(
        String workload, String node, long bytes, String standby, Set<String> destinations, long evictionMicros) {
    public Movable {
        destinations = Set.copyOf(destinations);
        if (bytes <= 0) {
            throw new IllegalArgumentException(workload + " has " + bytes + " bytes");
        }
    }
}
