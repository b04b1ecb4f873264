package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.memory.SpaceKernel.Regions;

/** Answers from what the last walk wrote down. */
final class FrameQueries {
    private static final int PAGE = RamTracking.PAGE_BYTES;

    private FrameQueries() {}

    /** Pages of a range that were not there. */
    static void holes(PageFrames frames, long from, long to, Regions regions) {
        long last = to / PAGE;
        long hole = from / PAGE;
        for (int b = frames.indexOf(hole >>> PageFrames.BLOCK_SHIFT); b < frames.size(); b++) {
            long first = frames.block(b) << PageFrames.BLOCK_SHIFT;
            if (first >= last) {
                break;
            }
            int slot = frames.slotAt(b);
            long end = Math.min(last, first + PageFrames.BLOCK_PAGES);
            for (long page = Math.max(first, hole); page < end; page++) {
                if (frames.frame(slot, (int) page & PageFrames.BLOCK_PAGES - 1) != PageFrames.NONE) {
                    report(hole, page, regions);
                    hole = page + 1;
                }
            }
        }
        report(hole, last, regions);
    }

    /** Pages of a range that were there, were reported since, and were not written after that. */
    static void clean(PageFrames frames, Writes writes, long from, long to, Regions regions) {
        long last = to / PAGE;
        long start = from / PAGE;
        for (int b = frames.indexOf(start >>> PageFrames.BLOCK_SHIFT); b < frames.size(); b++) {
            long first = frames.block(b) << PageFrames.BLOCK_SHIFT;
            if (first >= last) {
                break;
            }
            int slot = frames.slotAt(b);
            long end = Math.min(last, first + PageFrames.BLOCK_PAGES);
            long run = Math.max(first, start);
            for (long page = run; page < end; page++) {
                int i = (int) page & PageFrames.BLOCK_PAGES - 1;
                if (!isClean(frames.frame(slot, i), frames.seen(slot, i), writes)) {
                    report(run, page, regions);
                    run = page + 1;
                }
            }
            report(run, end, regions);
        }
    }

    private static boolean isClean(int frame, int seen, Writes writes) {
        return frame != PageFrames.NONE
                && frame != PageFrames.IN_TRANSIT
                && seen != 0
                && writes.stamp(Integer.toUnsignedLong(frame)) <= seen;
    }

    private static void report(long from, long to, Regions regions) {
        if (from < to) {
            regions.region(from * PAGE, to * PAGE, false);
        }
    }
}
