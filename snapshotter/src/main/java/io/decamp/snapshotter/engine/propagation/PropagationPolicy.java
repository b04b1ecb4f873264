package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.error.DecampException;
import io.decamp.snapshotter.engine.model.WriteRates;

/**
 * Decides which of the pages that are owed a round sends, in which order, and when the next scan is due. Has no state:
 * one instance serves all workloads.
 *
 * <p>Only pages with bytes are ordered. What is zero, or equal to another space's page as the destination has it at
 * this point of the stream, must go at once, ahead of any page of a later scan.
 */
public interface PropagationPolicy {
    /**
     * What a round is planned by.
     *
     * @param rates of the workload's pages
     * @param linkBytesPerSecond what the link gives; 0 when nobody knows yet
     * @param overheadNanos what a scan and a plan cost last: a round must be much longer
     */
    record View(WriteRates rates, long linkBytesPerSecond, long overheadNanos) {}

    /** Name as in the setting {@code decamp.propagation}. */
    String name();

    /** Plans a round of a move: what is not sent waits, owed and dirty, for a later one. */
    RoundPlan plan(PageSet owed, View view);

    /** Whether runs that the controller calls hot may stay unprotected and unsent while nobody asks for a move. */
    default boolean holdsHotRuns() {
        return true;
    }

    /** @throws DecampException {@code setting-malformed} */
    static PropagationPolicy named(String name) {
        return switch (name) {
            case "combined" -> new Combined();
            case "microwiper" -> new Microwiper();
            case "address" -> new AddressOrder();
            default ->
                throw DecampException.refused(
                        "setting-malformed",
                        "decamp.propagation is '" + name + "'",
                        "Give combined, microwiper or address");
        };
    }
}
