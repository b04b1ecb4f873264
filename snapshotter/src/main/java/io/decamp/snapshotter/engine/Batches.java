package io.decamp.snapshotter.engine;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;

/**
 * Cuts the runs of a round into pieces that one read takes: at most so many pages of payload and {@link #MAX_RUNS}
 * runs. A run that is larger than what is left is split. Not thread safe.
 */
public final class Batches {
    /** Bounds the message and the iovecs of one read when every run is a single page. */
    static final int MAX_RUNS = 4096;

    /** Of payload that one read takes. */
    public static final int MAX_PAGES = MemorySource.MAX_READ_BYTES / PageRuns.PAGE_BYTES;

    private final PageRuns runs;
    private int run;
    private int pagesDone;

    public Batches(PageRuns runs) {
        this.runs = runs;
    }

    /**
     * Returns the next piece, a list of its own; null at the end.
     *
     * @param maxPages of payload, at most {@link #MAX_PAGES}
     */
    public PageRuns next(int maxPages) {
        if (run == runs.size()) {
            return null;
        }
        PageRuns batch = new PageRuns();
        int room = Math.min(maxPages, MAX_PAGES);
        while (run < runs.size() && batch.size() < MAX_RUNS && room > 0) {
            PageSource source = runs.source(run);
            int left = runs.pages(run) - pagesDone;
            int take = source == PageSource.BYTES ? Math.min(left, room) : left;
            long offset = (long) pagesDone * PageRuns.PAGE_BYTES;
            batch.add(runs.space(run), runs.address(run) + offset, take, source, runs.sameAs(run));
            if (source == PageSource.BYTES) {
                room -= take;
            }
            if (take == left) {
                run++;
                pagesDone = 0;
            } else {
                pagesDone += take;
            }
        }
        return batch;
    }
}
