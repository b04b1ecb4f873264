package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;

/** Joins adjacent pages to runs, and leaves out a sample of them that is another one in each round. */
final class OpenRuns {
    private final PageRuns out;
    private final long oneOf;
    private final long round;
    private long space;
    private long start;
    private long end;
    private long seen;

    /** @param oneOf every so many runs of 64 KiB are left out */
    OpenRuns(PageRuns out, long oneOf, long round) {
        this.out = out;
        this.oneOf = oneOf;
        this.round = round;
    }

    /** @param bits which of the pages from {@code address} on are open */
    void add(long spaceId, long address, int bits) {
        if (bits == 0 || (seen++ + round) % oneOf == 0) {
            return;
        }
        int rest = bits;
        while (rest != 0) {
            int from = Integer.numberOfTrailingZeros(rest);
            int length = Integer.numberOfTrailingZeros(~(rest >>> from));
            append(spaceId, address + (long) from * PageRuns.PAGE_BYTES, length);
            rest = from + length >= Integer.SIZE ? 0 : rest & (-1 << from + length);
        }
    }

    private void append(long spaceId, long address, int pages) {
        if (end != address || space != spaceId) {
            flush();
            space = spaceId;
            start = address;
        }
        end = address + (long) pages * PageRuns.PAGE_BYTES;
    }

    void flush() {
        if (end > start) {
            out.add(space, start, (int) ((end - start) / PageRuns.PAGE_BYTES), PageSource.BYTES);
        }
        start = 0;
        end = 0;
    }
}
