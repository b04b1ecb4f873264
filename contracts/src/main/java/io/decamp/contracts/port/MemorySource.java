package io.decamp.contracts.port;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import java.util.List;

/**
 * Finds out which pages of a workload were written, and reads them. Knows nothing of epoch policy, order or networks.
 *
 * <p>A page that a scan reports is a debt: it stays in the in-flight set until {@link #sealed} names its epoch, and
 * {@link #broken} puts it back, so that no written page is ever forgotten. Calls for one workload come from one thread
 * at a time; different workloads are independent.
 */
public interface MemorySource {
    /** What the workload's tasks do while their memory is scanned. */
    enum Tasks {
        /** They run: what a scan reports is protected, so that a later write is reported again. */
        RUNNING,
        /**
         * Somebody who has stopped them still works on them and may write to their memory: reported and protected as if
         * they ran, but nothing is injected into what is not tracked yet.
         */
        STOPPED,
        /** Nobody can write: the result is exact, and nothing is protected again. */
        HELD
    }

    /** What tracking started with; {@code stoppedMicrosMax} is the longest time a thread was stopped for it. */
    record Tracking(List<AddressSpace> spaces, long stoppedMicrosMax) {}

    /**
     * @param spaces all that are alive at this scan; what is not listed here any more has ended
     * @param written pages written since they were last reported: BYTES, ZERO (a hole now) or SAME_AS
     * @param trackedBytes resident private memory under tracking
     * @param everything the tracking had been lost, so that all resident pages are reported
     */
    record Scan(List<AddressSpace> spaces, PageRuns written, long trackedBytes, long scanMicros, boolean everything) {}

    /**
     * Starts (or, after a restart of this service, goes on) tracking every process of the workload.
     *
     * @param generation a number that grows with each new replica; a greater one than before reports every page anew
     */
    Tracking track(WorkloadId workload, long generation);

    /**
     * Reports the pages written since the last scan, follows new mappings and processes, and marks them in flight for
     * {@code epoch}. An epoch may have several scans.
     *
     * @param open runs to leave unprotected: the caller knows that they are written again at once, so that a fault each
     *     would tell nothing. They are reported by every scan until one without them in {@code open} has protected
     *     them. Only heeded while the tasks run; unknown spaces are ignored
     */
    Scan scan(WorkloadId workload, long epoch, Tasks tasks, PageRuns open);

    /** As above, and everything is protected again. */
    default Scan scan(WorkloadId workload, long epoch, Tasks tasks) {
        return scan(workload, epoch, tasks, new PageRuns());
    }

    /**
     * Pages that scans of {@code epoch} reported and that the epoch will not bring: they stay owed when it is sealed,
     * and the next scan reports them again, written or not. Call it before the seal, and as often as needed. What no
     * scan of the epoch has reported is not owed by it and is ignored.
     */
    void defer(WorkloadId workload, long epoch, PageRuns runs);

    /**
     * Copies the pages of {@code runs} (BYTES runs only are copied; others are passed through) into a segment. Pages
     * that vanished since the scan come back as ZERO. At most {@link #MAX_READ_BYTES} of payload a call.
     *
     * @return the segment, whose {@link Segment#runs()} describe its bytes in order; {@link Segment#close()} gives it
     * back
     */
    Segment read(WorkloadId workload, long epoch, PageRuns runs);

    /** The destination has sealed {@code epoch} and all before it. */
    void sealed(WorkloadId workload, long epoch);

    /** What is in flight may not have arrived: the next scan reports it again. */
    void broken(WorkloadId workload);

    /** Ends tracking and gives everything back. The workload runs on, untouched. */
    void untrack(WorkloadId workload);

    /** Limit of payload of one {@link #read}: bounds the shared memory a read may need. */
    int MAX_READ_BYTES = 8 << 20;
}
