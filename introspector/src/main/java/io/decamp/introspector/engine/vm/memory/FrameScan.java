package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.memory.SpaceKernel.Regions;

/**
 * One scan of a range: compares what the walk finds with what was written down, reports what counts as written, and
 * writes down what is there now. A page that is reported without being protected stays as it was, so that every scan
 * reports it until one protects it.
 */
final class FrameScan implements PageWalk.Pages {
    private static final int PAGE = RamTracking.PAGE_BYTES;

    private final PageFrames frames;
    private final Writes writes;
    private final boolean all;
    private final boolean protect;
    private final int number;
    private final long to;
    private final Regions regions;
    /** Everything before has been looked at. */
    private long next;

    private long block = -1;
    private int slot;
    private long runFrom;
    private long runTo;
    private boolean transit;

    /**
     * @param all reports every page that is there
     * @param number of the refresh that went before the walk
     */
    FrameScan(
            PageFrames frames,
            Writes writes,
            boolean all,
            boolean protect,
            int number,
            long from,
            long to,
            Regions regions) {
        this.frames = frames;
        this.writes = writes;
        this.all = all;
        this.protect = protect;
        this.number = number;
        this.next = from;
        this.to = to;
        this.regions = regions;
        runFrom = from;
        runTo = from;
    }

    @Override
    public void page(long address, long physical, int frame) {
        if (address > next) {
            clear(next, address);
        }
        next = address + PAGE;
        long page = address / PAGE;
        if (page >>> PageFrames.BLOCK_SHIFT != block) {
            block = page >>> PageFrames.BLOCK_SHIFT;
            slot = frames.slotFor(block);
        }
        int i = (int) page & PageFrames.BLOCK_PAGES - 1;
        boolean moved = frames.frame(slot, i) != frame;
        int seen = moved ? 0 : frames.seen(slot, i);
        boolean inTransit = frame == PageFrames.IN_TRANSIT;
        transit |= inTransit;
        boolean report = all || inTransit || seen == 0 || writes.stamp(Integer.toUnsignedLong(frame)) > seen;
        int now = report && protect && !inTransit ? number : seen;
        if (moved || now != seen) {
            frames.set(slot, i, frame, now);
        }
        if (report) {
            report(address);
        }
    }

    /** Call when the walk is over. */
    void end() {
        clear(next, to);
        next = to;
        flush();
    }

    /**
     * Reports what was collected. Call after a walk that failed too: its pages are noted as reported by now, and no
     * other walk would tell of them.
     */
    void flush() {
        if (runFrom < runTo) {
            regions.region(runFrom, runTo, false);
            runFrom = runTo;
        }
    }

    /** Whether a page was met that was on its way to another frame. */
    boolean metTransit() {
        return transit;
    }

    private void report(long address) {
        if (address != runTo) {
            flush();
            runFrom = address;
        }
        runTo = address + PAGE;
    }

    private void clear(long from, long end) {
        if (from >= end) {
            return;
        }
        long first = from / PAGE;
        long last = end / PAGE;
        if (first >>> PageFrames.BLOCK_SHIFT == block && last - 1 >>> PageFrames.BLOCK_SHIFT == block) {
            for (long page = first; page < last; page++) {
                frames.set(slot, (int) page & PageFrames.BLOCK_PAGES - 1, PageFrames.NONE, 0);
            }
        } else {
            frames.clear(first, last);
            block = -1;
        }
    }
}
