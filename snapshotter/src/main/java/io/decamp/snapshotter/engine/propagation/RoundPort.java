package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource;

/** What rounds work on, within one epoch. Used by one thread. */
public interface RoundPort {
    /** Scans while the workload runs; what {@code open} names stays unprotected. */
    MemorySource.Scan scan(PageRuns open);

    /**
     * Reads a batch now and sends it in the order of calls; may return before it is on the wire, and blocks while too
     * much is on its way.
     */
    void send(PageRuns batch);

    /** What the link gives; 0 when nobody knows yet. */
    long linkBytesPerSecond();

    /** Whether the destination had better seal what it holds of this epoch before more is sent. */
    boolean full();

    /** Monotonic. */
    long nanos();
}
