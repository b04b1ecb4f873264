package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.PagemapEntry;
import java.util.ArrayList;
import java.util.List;

/** Collects the pages of a process in order of addresses, adjacent ones as one entry of its pagemap. One thread. */
final class PageRuns {
    /** {@code PE_LAZY | PE_PRESENT}: content comes with the replica (criu/include/pagemap.h). */
    static final int IN_REPLICA = 2 | 4;

    /** {@code PE_PRESENT}: content is in the image's own pages file. */
    static final int IN_IMAGE = 4;

    /** CRIU counts the pages of a run in an int. */
    private static final long MAX_PAGES = Integer.MAX_VALUE;

    private static final int PAGE_SHIFT = 12;

    private final List<PagemapEntry> done = new ArrayList<>();
    private long start;
    private long end;
    private int flags;

    /** @param from not below the end of what was added before */
    void add(long from, long to, int how) {
        if (from < end) {
            throw new IllegalArgumentException(
                    "Pages at 0x" + Long.toHexString(from) + " come after 0x" + Long.toHexString(end));
        }
        if (from == end && how == flags && to - start >>> PAGE_SHIFT <= MAX_PAGES) {
            end = to;
            return;
        }
        flush();
        start = from;
        end = to;
        flags = how;
    }

    private void flush() {
        if (end > start) {
            done.add(PagemapEntry.newBuilder()
                    .setVaddr(start)
                    .setCompatNrPages((int) (end - start >>> PAGE_SHIFT))
                    .setFlags(flags)
                    .build());
        }
    }

    List<PagemapEntry> entries() {
        flush();
        start = end;
        return done;
    }
}
