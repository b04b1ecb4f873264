package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.memory.SpaceGoneException;
import io.decamp.introspector.engine.memory.SpaceKernel;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.PageTables;
import io.decamp.introspector.engine.vm.guest.RunningGuest;
import io.decamp.linux.memory.IoBatch;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * One address space inside a VM, looked at from outside. A page counts as written if its frame was written since it was
 * last reported, or if it is in another frame now.
 *
 * <p><b>Why no written page is missed.</b> A scan first refreshes the stamps (which clears what QEMU's page tables
 * know, at number <i>n</i>), then walks the guest's page tables, and what it reports is copied after that. Say that
 * the content of a page changes after it was copied. Either its frame <i>X</i> was written: that write came after the
 * refresh, so its stamp is above <i>n</i>, and the next scan reports the page. Or the page was given another frame
 * (copy on write, unmap and map, mremap, compaction or a huge page made by the guest's kernel, which write the new
 * frame and leave the old one): then the next walk finds another frame than was written down. Or it was given another
 * frame and got <i>X</i> back: then its content is that of <i>X</i>, and either <i>X</i> was written meanwhile (first
 * case) or it is what was copied. The copy itself goes by the page tables of its own moment, and looks again when it
 * is done; did it come from a frame other than the one written down, the page is marked to be reported again ({@link
 * PageFrames#forget}), as the third case would not hold.
 *
 * <p>A walk while the guest runs may meet a table that is just being freed. What it then takes for a page or for a
 * hole is written down as such, differs from what the next walk finds, and is reported by that one. Only a scan after
 * which nothing follows must be right by itself: see {@link SteadyGuest}. One thread at a time.
 */
final class VmSpaceKernel implements SpaceKernel {
    /** As in /proc/PID/pagemap. */
    private static final long PRESENT = 1L << 63;

    private final GuestSpace space;
    private final PageFrames frames;
    private final Writes writes;
    private final IntSupplier number;
    private final PageTables tables;
    private final PageWalk walk;
    private final PageCopy copy;
    private final Supplier<SteadyGuest> steady;
    private PrivateMappings mappings = PrivateMappings.none();
    private long[] entries = new long[0];
    private boolean closed;

    /**
     * @param number of the last refresh before the walks to come
     * @param steady gives the guest at a moment at which nothing changes, while that is needed; else null
     */
    VmSpaceKernel(
            GuestSpace space,
            GuestRam ram,
            PageTables tables,
            PageKinds kinds,
            PageFrames frames,
            Writes writes,
            IntSupplier number,
            Supplier<SteadyGuest> steady) {
        this.space = space;
        this.frames = frames;
        this.writes = writes;
        this.number = number;
        this.tables = tables;
        this.walk = new PageWalk(ram, kinds);
        this.copy = new PageCopy(ram, frames);
        this.steady = steady;
        walk.watch(table -> {
            SteadyGuest exact = steady.get();
            if (exact != null) {
                exact.table(table);
            }
        });
    }

    @Override
    public List<Range> mappings() {
        mappings = guarded(space::mappings);
        long end = 0;
        for (Range each : mappings.ranges()) {
            frames.clear(end / RamTracking.PAGE_BYTES, each.from() / RamTracking.PAGE_BYTES);
            end = each.to();
        }
        frames.clear(end / RamTracking.PAGE_BYTES, Long.MAX_VALUE / RamTracking.PAGE_BYTES);
        return mappings.ranges();
    }

    /** All of the VM's memory is. */
    @Override
    public boolean register(long from, long to) {
        return true;
    }

    @Override
    public Outcome scan(Query query, boolean protect, long from, long to, Regions regions) {
        switch (query) {
            case WRITTEN, POPULATED -> guarded(() -> {
                SteadyGuest exact = steady.get();
                boolean transit;
                do {
                    if (exact != null) {
                        exact.begin(space);
                    }
                    transit = scanOnce(query == Query.POPULATED, protect, from, to, regions);
                } while (exact != null && !exact.isRight(transit));
                return null;
            });
            case HOLES -> FrameQueries.holes(frames, from, to, regions);
            case CLEAN -> {
                // what was written since the scan is not stamped yet
                writes.refresh();
                FrameQueries.clean(frames, writes, from, to, regions);
            }
        }
        return Outcome.COMPLETE;
    }

    /** @return whether a page was in transit */
    private boolean scanOnce(boolean all, boolean protect, long from, long to, Regions regions) {
        FrameScan scan = new FrameScan(frames, writes, all, protect, number.getAsInt(), from, to, regions);
        try {
            eachMapping(from, to, scan);
            scan.end();
        } finally {
            scan.flush();
        }
        return scan.metTransit();
    }

    private void eachMapping(long from, long to, PageWalk.Pages pages) {
        for (int i = mappings.indexOf(from); i < mappings.ranges().size(); i++) {
            Range range = mappings.ranges().get(i);
            if (range.from() >= to) {
                break;
            }
            long start = Math.max(from, range.from());
            long end = Math.min(to, range.to());
            walk.over(tables, space.pageTable(), start, end, mappings.files()[i], pages);
        }
    }

    /**
     * In the format of {@link #entry}: present, and the page of the VM's memory file. 0 for a page that is in another
     * frame than the last scan found: that its old frame was not written since ({@link Query#CLEAN}) says nothing of
     * it.
     */
    @Override
    public void readEntries(long address, int pages) {
        if (entries.length < pages) {
            entries = new long[pages];
        }
        Arrays.fill(entries, 0, pages, 0);
        guarded(() -> {
            eachMapping(
                    address,
                    address + (long) pages * RamTracking.PAGE_BYTES,
                    (at, physical, frame) -> entries[(int) ((at - address) / RamTracking.PAGE_BYTES)] =
                            isWhereScanned(at, frame) ? PRESENT | Integer.toUnsignedLong(frame) + 1 : 0);
            return null;
        });
    }

    private boolean isWhereScanned(long address, int frame) {
        return frame != PageFrames.IN_TRANSIT && frames.frame(address / RamTracking.PAGE_BYTES) == frame;
    }

    @Override
    public long entry(int i) {
        return entries[i];
    }

    @Override
    public boolean read(IoBatch batch) {
        return guarded(() -> copy.read(batch, this::eachMapping));
    }

    /** What ended in the middle was never there; what still is may have been met in the middle of a change. */
    private <T> T guarded(Supplier<T> action) {
        try {
            return RunningGuest.read(() -> once(action));
        } catch (GuestFault e) {
            throw e.asDecamp();
        } catch (IllegalStateException e) {
            throw VmSpaceKernels.detached(e);
        }
    }

    private <T> T once(Supplier<T> action) {
        try {
            T result = action.get();
            requireAlive(null);
            return result;
        } catch (GuestFault e) {
            requireAlive(e);
            SteadyGuest exact = steady.get();
            if (exact != null) {
                // a guest that is paused in the middle of a change does not end it
                exact.letRun();
            }
            throw e;
        }
    }

    private void requireAlive(GuestFault met) {
        if (!space.isAlive()) {
            throw new SpaceGoneException(space.pid(), met);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            frames.close();
        }
    }

    @Override
    public void release() {
        close();
    }
}
