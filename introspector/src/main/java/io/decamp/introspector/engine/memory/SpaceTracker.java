package io.decamp.introspector.engine.memory;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.introspector.engine.memory.SpaceKernel.Outcome;
import io.decamp.introspector.engine.memory.SpaceKernel.Query;
import io.decamp.introspector.engine.memory.SpaceKernel.Range;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Tracks one address space: turns what the kernel says into runs for the replica, and keeps the two books that make
 * that safe.
 *
 * <ul>
 *   <li>The {@link InFlightSet}: pages reported and not yet sealed.
 *   <li><em>Known</em>: pages of which the destination may hold something other than zeros. A page that is a hole here
 *       and known there is reported as ZERO, whatever made it one: {@code munmap}, {@code MADV_DONTNEED}, a shrinking
 *       heap, {@code MADV_FREE} under pressure, the source of an {@code mremap}.
 * </ul>
 *
 * <p>Only populated pages are ever protected. Protecting holes too, which a plain scan for WRITTEN does, makes the
 * kernel fill page tables with markers: 2 MiB and 15 ms for each GiB that a runtime has merely reserved. Holes are
 * found by a second walk that asks for them. Between the two walks a page may come or go: one that comes is written
 * and reported next time; one that goes is a hole now, and ZERO wins.
 *
 * <p>A range that is not registered yet (a new mapping, a grown heap, the target of an {@code mremap}, a replacement by
 * {@code MAP_FIXED}) is registered and then reported by what is populated, not by what is written: before Linux 6.13 an
 * {@code mremap} left stale protection behind that would make written pages look clean.
 *
 * <p>Writes that don't go through a page table (O_DIRECT reads in flight, io_uring with registered buffers: the pages
 * were pinned before the scan) are seen by no tracking of this kind, soft-dirty included.
 *
 * <p>One thing changes for the tracked process: since Linux 6.17 a single mremap may move several mappings, and refuses
 * to (EFAULT) where a userfaultfd has registered one of them. Not thread safe.
 */
final class SpaceTracker implements AutoCloseable {
    /** Keeps {@code pages * 4096} of one run inside what receivers compute with: 4 TiB. */
    private static final long RUN_LIMIT_PAGES = 1L << 30;

    /** How often a range may change under the scan before it is left to the next one: mmap in a tight loop. */
    private static final int REGISTER_TRIES = 3;

    private final AddressSpace space;
    private final SpaceKernel kernel;
    private final Path directory;
    private final PageBitmap known;
    private final InFlightSet inFlight;
    private boolean everything;
    private boolean scanned;

    /**
     * @param directory of this space alone; books that an earlier service left there are gone on with
     * @param everything reports all that is populated at the next scan, as nothing is known of what was written
     */
    SpaceTracker(AddressSpace space, SpaceKernel kernel, Path directory, boolean everything) {
        this.space = space;
        this.kernel = kernel;
        this.directory = directory;
        this.everything = everything;
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        known = PageBitmap.open(directory.resolve("known"));
        inFlight = InFlightSet.open(directory);
    }

    AddressSpace space() {
        return space;
    }

    SpaceKernel kernel() {
        return kernel;
    }

    /** Pages with content as of the last scan. */
    long knownPages() {
        return known.cardinality();
    }

    /** Whether the destination has this page as it is here, unless it was written after the last scan. */
    boolean settled(long page) {
        return known.get(page) && !inFlight.owes(page);
    }

    /** Whether the coming scan reports all that is populated. */
    boolean reportsEverything() {
        return everything;
    }

    /** Whether a scan of it was ever completed by this service. */
    boolean scanned() {
        return scanned;
    }

    /** The replica starts anew, empty. */
    void restart() {
        inFlight.forget();
        known.clear(0, PageBitmap.LIMIT_PAGES);
        everything = true;
    }

    /** Puts every mapping under protection, so that the first scan finds nothing left to register. */
    void registerAll() {
        for (Range vma : kernel.mappings()) {
            kernel.register(vma.from(), vma.to());
        }
    }

    /**
     * Adds the pages written since the last scan to {@code out}.
     *
     * @param tasks HELD: nothing is protected and nothing is registered
     * @param open heeded while the tasks run
     * @param sharing where equal pages may be found, or null
     */
    void scan(long epoch, Tasks tasks, OpenRuns open, ForkSharing sharing, PageRuns out) {
        inFlight.begin(epoch);
        try {
            List<Range> mappings = kernel.mappings();
            long end = 0;
            for (Range vma : mappings) {
                reportGone(end, PageBitmap.page(vma.from()), out);
                scan(vma, tasks, open, sharing, out);
                end = Math.max(end, PageBitmap.page(vma.to()));
            }
            reportGone(end, PageBitmap.LIMIT_PAGES, out);
            inFlight.scanned();
            everything = false;
            scanned = true;
        } catch (RuntimeException | Error e) {
            inFlight.failed();
            throw e;
        }
    }

    private void scan(Range vma, Tasks tasks, OpenRuns open, ForkSharing sharing, PageRuns out) {
        long from = PageBitmap.page(vma.from());
        long to = PageBitmap.page(vma.to());
        PageBitmap written = inFlight.current();
        PageRuns zeros = new PageRuns();
        collectWritten(vma, tasks, open, written, zeros);
        inFlight.addReturned(written, from, to);
        known.or(written, from, to);
        if (known.nextSet(from, to) < 0) {
            return;
        }
        kernel.scan(Query.HOLES, false, vma.from(), vma.to(), (a, b, zero) -> reportZero(a, b, out));
        for (int i = 0; i < zeros.size(); i++) {
            reportZero(zeros.address(i), zeros.address(i) + zeros.bytes(i), out);
        }
        reportBytes(from, to, written, sharing, out);
    }

    private void collectWritten(Range vma, Tasks tasks, OpenRuns open, PageBitmap written, PageRuns zeros) {
        SpaceKernel.Regions record = (from, to, zero) -> {
            long first = PageBitmap.page(from);
            long last = PageBitmap.page(to);
            if (zero) {
                written.or(known, first, last);
                addPages(zeros, from, last - first, PageSource.ZERO);
            } else {
                written.set(first, last);
            }
        };
        Query query = everything || inFlight.suspect(vma.from(), vma.to()) ? Query.POPULATED : Query.WRITTEN;
        if (tasks == Tasks.HELD) {
            if (kernel.scan(query, false, vma.from(), vma.to(), record) == Outcome.NOT_REGISTERED) {
                kernel.scan(Query.POPULATED, false, vma.from(), vma.to(), record);
            }
            return;
        }
        inFlight.protecting(vma.from(), vma.to());
        int tries = 0;
        // open runs are protected too while the tasks are stopped: the last scan has all the fewer to report
        Outcome outcome = query == Query.WRITTEN && tasks == Tasks.RUNNING
                ? scanBySpans(vma, open, record)
                : kernel.scan(query, true, vma.from(), vma.to(), record);
        while (outcome == Outcome.NOT_REGISTERED) {
            if (!kernel.register(vma.from(), vma.to()) || ++tries > REGISTER_TRIES) {
                // mapped anew while it was looked at: what is there now is reported, and protected the next time
                kernel.scan(Query.POPULATED, false, vma.from(), vma.to(), record);
                break;
            }
            outcome = kernel.scan(Query.POPULATED, true, vma.from(), vma.to(), record);
        }
        inFlight.recorded();
    }

    /** An open run goes on being reported as written, without a fault: it stays as its last write left it. */
    private Outcome scanBySpans(Range vma, OpenRuns open, SpaceKernel.Regions record) {
        return open.walk(
                space.id(),
                vma.from(),
                vma.to(),
                (protect, from, to) -> kernel.scan(Query.WRITTEN, protect, from, to, record));
    }

    private void reportGone(long from, long to, PageRuns out) {
        inFlight.addReturned(inFlight.current(), from, to);
        known.or(inFlight.current(), from, to);
        reportZeroPages(from, to, out);
    }

    private void reportZero(long from, long to, PageRuns out) {
        reportZeroPages(PageBitmap.page(from), PageBitmap.page(to), out);
    }

    /** The debt is written before the knowledge is given up: a crash in between reports the page once more. */
    private void reportZeroPages(long from, long to, PageRuns out) {
        for (long page = known.nextSet(from, to); page >= 0; page = known.nextSet(page, to)) {
            long end = known.nextClear(page, to);
            inFlight.current().set(page, end);
            known.clear(page, end);
            addPages(out, page * PageRuns.PAGE_BYTES, end - page, PageSource.ZERO);
            page = end;
        }
    }

    /** What was written and is no hole. */
    private void reportBytes(long from, long to, PageBitmap written, ForkSharing sharing, PageRuns out) {
        for (long page = written.nextSet(from, to); page >= 0; page = written.nextSet(page, to)) {
            long end = written.nextClear(page, to);
            for (long run = known.nextSet(page, end); run >= 0; run = known.nextSet(run, end)) {
                long runEnd = known.nextClear(run, end);
                if (sharing == null) {
                    addPages(out, run * PageRuns.PAGE_BYTES, runEnd - run, PageSource.BYTES);
                } else {
                    sharing.report(this, run, runEnd, out);
                }
                run = runEnd;
            }
            page = end;
        }
    }

    void addPages(PageRuns out, long address, long pages, PageSource source) {
        long at = address;
        for (long left = pages; left > 0; left -= RUN_LIMIT_PAGES) {
            long n = Math.min(left, RUN_LIMIT_PAGES);
            out.add(space.id(), at, (int) n, source);
            at += n * PageRuns.PAGE_BYTES;
        }
    }

    /** Pages of {@code [from, to)} that scans of {@code epoch} reported stay owed when it is sealed. */
    void defer(long epoch, long from, long to) {
        inFlight.defer(epoch, from, to);
    }

    void sealed(long epoch) {
        inFlight.sealed(epoch);
    }

    void broken() {
        inFlight.broken();
    }

    /** Gives everything back but leaves the books for a service that comes later. */
    @Override
    public void close() {
        kernel.close();
        known.close();
        inFlight.close();
    }

    /** The space has ended, or its tracking has: nothing stays behind. */
    void drop() {
        kernel.release();
        inFlight.forget();
        known.delete();
        SpaceStore.deleteTree(directory);
    }
}
