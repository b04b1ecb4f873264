package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.introspector.engine.memory.SpaceKernel.Query;
import io.decamp.linux.memory.IoBatch;
import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

/**
 * Reads runs of pages into a segment, up to 1024 runs in one system call. Pages that are zero, or that are gone when
 * their turn comes, leave as ZERO and take no room: what is gone is asked of the page tables, a failed read alone
 * decides nothing. One thread at a time.
 *
 * <p>A running process may tear a page while it is read; it is written then, and the next scan reports it again.
 */
final class PageReader implements AutoCloseable {
    /** A page that is there and yet can't be read: it may be on its way out, so it is looked at again a few times. */
    private static final int UNREADABLE_TRIES = 8;

    /** PM_GUARD_REGION of /proc/PID/pagemap, since Linux 6.15 (MADV_GUARD_INSTALL): an access faults, no content. */
    private static final long GUARD = 1L << 58;

    private final IoBatch batch = new IoBatch();

    /**
     * Copies the BYTES runs; others are passed through.
     *
     * @param kernels by space id, null for a space that has ended: its pages are gone
     */
    void read(PageRuns runs, LongFunction<SpaceKernel> kernels, SegmentPool.Lease lease) {
        if (runs.payloadBytes() > MemorySource.MAX_READ_BYTES) {
            throw new IllegalArgumentException(
                    runs.payloadBytes() + " bytes in one read, at most " + MemorySource.MAX_READ_BYTES);
        }
        for (int i = 0; i < runs.size(); ) {
            if (runs.source(i) != PageSource.BYTES) {
                lease.runs().addFrom(runs, i++);
                continue;
            }
            int end = i + 1;
            while (end < runs.size()
                    && end - i < IoBatch.CAPACITY
                    && runs.source(end) == PageSource.BYTES
                    && runs.space(end) == runs.space(i)) {
                end++;
            }
            readSpace(runs, i, end, kernels.apply(runs.space(i)), lease);
            i = end;
        }
    }

    private void readSpace(PageRuns runs, int from, int to, SpaceKernel kernel, SegmentPool.Lease lease) {
        if (kernel == null || !copy(runs, from, to, kernel, lease)) {
            for (int i = from; i < to; i++) {
                lease.runs().add(runs.space(i), runs.address(i), runs.pages(i), PageSource.ZERO);
            }
            return;
        }
        long in = lease.length();
        for (int i = from; i < to; i++) {
            squeeze(runs, i, in, lease);
            in += runs.bytes(i);
        }
    }

    /** @return false when the space ended: nothing that was copied may be used */
    private boolean copy(PageRuns runs, int from, int to, SpaceKernel kernel, SegmentPool.Lease lease) {
        MemorySegment memory = lease.memory();
        batch.clear();
        long local = memory.address() + lease.length();
        for (int i = from; i < to; i++) {
            batch.add(runs.address(i), local, runs.bytes(i));
            local += runs.bytes(i);
        }
        try {
            int stuck = 0;
            long stoppedAt = -1;
            while (!kernel.read(batch)) {
                stuck = batch.remoteAddress() == stoppedAt ? stuck + 1 : 0;
                stoppedAt = batch.remoteAddress();
                if (stuck > UNREADABLE_TRIES) {
                    throw DecampException.retry(
                            "page-unreadable",
                            "The page at 0x" + Long.toHexString(stoppedAt) + " is populated but can't be read",
                            "Look for memory errors of the host (mcelog, dmesg); try again",
                            null);
                }
                passOver(kernel, memory);
            }
            return true;
        } catch (SpaceGoneException e) {
            return false;
        }
    }

    /** Takes what is not there, from the page on at which the batch stopped, for zeros. */
    private void passOver(SpaceKernel kernel, MemorySegment memory) {
        long at = batch.remoteAddress();
        // a torn read may have stopped inside a page; entries begin and end on page bounds
        long page = at & -PageRuns.PAGE_BYTES;
        long end = at + batch.entryBytes();
        long[] firstPopulated = {end};
        kernel.scan(
                Query.POPULATED, false, page, end, (a, b, zero) -> firstPopulated[0] = Math.min(firstPopulated[0], a));
        long gone = firstPopulated[0] - at;
        if (gone <= 0) {
            kernel.readEntries(page, 1);
            if ((kernel.entry(0) & GUARD) == 0) {
                return;
            }
            gone = page + PageRuns.PAGE_BYTES - at;
        }
        memory.asSlice(batch.localAddress() - memory.address(), gone).fill((byte) 0);
        batch.advance(gone);
    }

    /** Reports one run, page kind by page kind, and closes the gaps that zero pages leave in the payload. */
    private static void squeeze(PageRuns runs, int i, long in, SegmentPool.Lease lease) {
        MemorySegment memory = lease.memory();
        int pages = runs.pages(i);
        for (int page = 0; page < pages; ) {
            boolean zero = ZeroPages.isZero(memory, in + (long) page * PageRuns.PAGE_BYTES);
            int end = page + 1;
            while (end < pages && ZeroPages.isZero(memory, in + (long) end * PageRuns.PAGE_BYTES) == zero) {
                end++;
            }
            long address = runs.address(i) + (long) page * PageRuns.PAGE_BYTES;
            lease.runs().add(runs.space(i), address, end - page, zero ? PageSource.ZERO : PageSource.BYTES);
            if (!zero) {
                long source = in + (long) page * PageRuns.PAGE_BYTES;
                long bytes = (long) (end - page) * PageRuns.PAGE_BYTES;
                if (source != lease.length()) {
                    MemorySegment.copy(memory, source, memory, lease.length(), bytes);
                }
                lease.length(lease.length() + bytes);
            }
            page = end;
        }
    }

    @Override
    public void close() {
        batch.close();
    }
}
