package io.decamp.introspector.engine.memory;

import io.decamp.introspector.engine.memory.SpaceKernel.Outcome;
import java.nio.file.Path;

/**
 * Pages that every round finds written. Protecting them once more would cost the workload a fault of 0.9 us for each
 * and tell nothing new, so they are left unprotected: they go on being reported as written, without a fault. Cold
 * pages pay one fault a change, hot ones none.
 *
 * <p>As nobody sees when such a page is written no more, all are forgotten every {@link #PROBE_SCANS} scans and must
 * prove themselves anew. Wrong guesses cost time only, never a page. Not thread safe.
 */
final class HotPages implements AutoCloseable {
    /** Scans in a row that must find a page written. */
    static final int SCANS_TO_HEAT = 3;

    /** A page that has cooled down is shipped in vain for at most so many scans. */
    static final int PROBE_SCANS = 10;

    /** 64 KiB: shorter runs would cost a system call of their own for less than the faults they save. */
    static final int RUN_PAGES = 16;

    /** Scans one span. */
    @FunctionalInterface
    interface Spans {
        Outcome scan(boolean protect, long fromPage, long toPage);
    }

    private final PageBitmap hot;
    private PageBitmap last;
    private PageBitmap beforeLast;
    private int scans;

    HotPages(Path directory) {
        hot = PageBitmap.open(directory.resolve("hot"));
        last = PageBitmap.open(directory.resolve("heat-1"));
        beforeLast = PageBitmap.open(directory.resolve("heat-2"));
        forget();
    }

    /** Has a range scanned in spans: cold ones are to be protected, hot ones not. */
    Outcome scan(long fromPage, long toPage, Spans spans) {
        long cold = fromPage;
        for (long page = hot.nextSet(fromPage, toPage); page >= 0; page = hot.nextSet(page, toPage)) {
            long end = hot.nextClear(page, toPage);
            if (end - page >= RUN_PAGES) {
                if (cold < page && spans.scan(true, cold, page) != Outcome.COMPLETE
                        || spans.scan(false, page, end) != Outcome.COMPLETE) {
                    return Outcome.NOT_REGISTERED;
                }
                cold = end;
            }
            page = end;
        }
        return cold < toPage ? spans.scan(true, cold, toPage) : Outcome.COMPLETE;
    }

    /** A scan is complete and found these pages written. */
    void scanned(PageBitmap written) {
        if (++scans % PROBE_SCANS == 0) {
            forget();
            return;
        }
        long limit = PageBitmap.LIMIT_PAGES;
        for (long page = written.nextSet(0, limit); page >= 0; page = written.nextSet(page, limit)) {
            long end = written.nextClear(page, limit);
            heat(page, end);
            page = end;
        }
        PageBitmap oldest = beforeLast;
        oldest.clear(0, limit);
        oldest.or(written, 0, limit);
        beforeLast = last;
        last = oldest;
    }

    private void heat(long from, long to) {
        for (long page = last.nextSet(from, to); page >= 0; page = last.nextSet(page, to)) {
            long end = last.nextClear(page, to);
            hot.or(beforeLast, page, end);
            page = end;
        }
    }

    private void forget() {
        hot.clear(0, PageBitmap.LIMIT_PAGES);
        last.clear(0, PageBitmap.LIMIT_PAGES);
        beforeLast.clear(0, PageBitmap.LIMIT_PAGES);
    }

    @Override
    public void close() {
        hot.close();
        last.close();
        beforeLast.close();
    }

    void delete() {
        hot.delete();
        last.delete();
        beforeLast.delete();
    }
}
