package io.decamp.snapshotter.engine;

import io.decamp.contracts.page.PageRuns;

/**
 * In which order the pages of an epoch leave. Must keep the runs of a space that SAME_AS runs refer to before these.
 * One instance a workload; called from its loop only.
 */
public interface PropagationOrder {
    /** Returns the same runs, in the order to send them; may be {@code written} itself. */
    PageRuns order(PageRuns written);

    /** As the scan found them, by space and address: plain pre-copy. */
    static PropagationOrder byAddress() {
        return written -> written;
    }
}
