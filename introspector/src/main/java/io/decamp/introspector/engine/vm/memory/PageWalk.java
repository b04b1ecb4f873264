package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.LeafSink;
import io.decamp.introspector.engine.vm.guest.PageTables;
import io.decamp.introspector.engine.vm.memory.PageKinds.Kind;
import java.util.function.LongConsumer;

/**
 * Goes over the pages of a process that have content of its own, one by one. Made once and reused, does not allocate by
 * the page. One thread at a time.
 */
final class PageWalk implements LeafSink {
    /** Takes pages in ascending order of addresses. */
    @FunctionalInterface
    interface Pages {
        /**
         * @param physical where it is in the guest, -1 for one in transit
         * @param frame the page of the VM's memory file, unsigned; or {@link PageFrames#IN_TRANSIT}
         */
        void page(long address, long physical, int frame);
    }

    private static final int PAGE = RamTracking.PAGE_BYTES;

    private final GuestRam ram;
    private final PageKinds kinds;
    private LongConsumer tables = table -> {};
    private long from;
    private long to;
    private boolean file;
    private Pages pages;

    PageWalk(GuestRam ram, PageKinds kinds) {
        this.ram = ram;
        this.kinds = kinds;
    }

    /** @param watcher is told the physical address of each page table from now on */
    void watch(LongConsumer watcher) {
        tables = watcher;
    }

    /**
     * @param file whether the range maps a file, whose pages are only the process's own once it has written to them
     * @throws io.decamp.introspector.engine.vm.guest.GuestFault when the tables lead out of the guest's memory
     * @throws DecampException {@code vm-swapped}, {@code vm-page-marked}
     */
    void over(PageTables walked, long pageTable, long start, long end, boolean ofFile, Pages sink) {
        from = start;
        to = end;
        file = ofFile;
        pages = sink;
        walked.walk(pageTable, start, end, this);
    }

    @Override
    public void table(long physical) {
        tables.accept(physical);
    }

    @Override
    public void leaf(long virtual, long entry, long bytes) {
        long start = Math.max(virtual, from);
        long end = Math.min(virtual + bytes, to);
        Kind kind = kinds.of(entry, bytes);
        switch (kind) {
            case SWAPPED, MARKED -> throw DecampException.refused(kind.code(), kind.what(virtual), kind.advice());
            case HOLE -> {}
            case IN_TRANSIT -> {
                for (long at = start; at < end; at += PAGE) {
                    pages.page(at, -1, PageFrames.IN_TRANSIT);
                }
            }
            case FRAME -> {
                long physical = PageTables.frame(entry, bytes) + (start - virtual);
                if (file && !kinds.isAnonymous(physical)) {
                    return;
                }
                for (long at = start; at < end; at += PAGE, physical += PAGE) {
                    pages.page(at, physical, (int) (ram.fileOffset(physical) / PAGE));
                }
            }
        }
    }
}
