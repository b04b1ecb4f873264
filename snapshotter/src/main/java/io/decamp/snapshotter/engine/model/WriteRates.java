package io.decamp.snapshotter.engine.model;

/** What the order of shipping needs to know of a workload's writes. Used by the workload's loop only. */
public interface WriteRates {
    /**
     * Rewriting rate of the page at {@code address}: how often a second it would be written for the first time if it
     * were clean. 0 when it is cold or nothing is known of it.
     */
    double ratePerPage(long space, long address);

    /** Whether the rates rest on anything: false until two scans were seen. */
    boolean known();

    /** Expected number of distinct pages written in {@code seconds} from now. */
    double writtenPages(double seconds);
}
