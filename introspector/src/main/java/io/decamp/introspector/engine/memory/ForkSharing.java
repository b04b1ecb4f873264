package io.decamp.introspector.engine.memory;

import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.introspector.engine.memory.SpaceKernel.Outcome;
import io.decamp.introspector.engine.memory.SpaceKernel.Query;
import java.util.Arrays;

/**
 * Says of a forked child's pages which ones the destination has already, because they are still the parent's: a Redis
 * that saves itself forks 200 MB of which next to nothing is its own.
 *
 * <p>SAME_AS(parent) means: equal to what the destination has of the parent <em>at this point of the stream</em>. A
 * page <i>a</i> of child C is reported that way only if all of this holds, looked at in this order:
 *
 * <ol>
 *   <li>C's page was protected by C's scan (or nothing runs): a later write of C is reported by C's next scan.
 *   <li>P's page is in no debt of P, neither of an earlier epoch nor of this one, and is known. So the destination's
 *       copy of it was read after its protection at some time <i>t</i>, and that epoch is sealed.
 *   <li>The page tables of P and of C, read after (1), name the same frame <i>X</i> for <i>a</i>. P's page is the one
 *       that its scan found: one moved there since is either written by (4), or has no entry ({@link
 *       SpaceKernel#readEntries}).
 *   <li>After both were read, P's page is present and has not been written since it was protected.
 * </ol>
 *
 * <p>By (2) P's page was not protected again since <i>t</i>: that would have made a debt. With (4) it was therefore not
 * written from <i>t</i> on, and P maps one and the same content from <i>t</i> to (4), at (3) in frame X. As X is mapped
 * by P all that time, a write by C would have given C a frame of its own, and (3) would have failed; so C's content at
 * (3) is X's, which is P's since <i>t</i>, which is the destination's. If C writes between (3) and the end of the scan
 * its page is written again, and (1) holds.
 *
 * <p>(2) is what makes it right when P writes <em>after</em> its own scan of this epoch. Were a page of this epoch's
 * debt used, its bytes would be read later than (4), P could write in between, and the destination would give C
 * content that C never had, with no dirty bit to tell. It also makes the order of runs within an epoch irrelevant.
 * What (2) leaves out travels as BYTES.
 */
final class ForkSharing {
    /** Pages whose entries are compared at once: 32 KiB of entries on either side. */
    static final int CHUNK_PAGES = 4096;

    /** Present, and not of a file: fs/proc/task_mmu.c. */
    private static final long PRESENT = 1L << 63;

    private static final long FRAME = (1L << 55) - 1;

    private final SpaceTracker parent;
    private final boolean[] equal = new boolean[CHUNK_PAGES];
    private final boolean[] clean = new boolean[CHUNK_PAGES];
    private boolean parentGone;

    /** @param parent has been scanned in this epoch, and is among the spaces that this scan reports */
    ForkSharing(SpaceTracker parent) {
        this.parent = parent;
    }

    /** Reports written, populated pages of the child. */
    void report(SpaceTracker child, long fromPage, long toPage, PageRuns out) {
        for (long page = fromPage; page < toPage; page += CHUNK_PAGES) {
            int pages = (int) Math.min(CHUNK_PAGES, toPage - page);
            if (!parentGone) {
                compare(child, page, pages);
            }
            if (parentGone) {
                Arrays.fill(equal, false);
            }
            emit(child, page, pages, out);
        }
    }

    private void compare(SpaceTracker child, long page, int pages) {
        long address = page * PageRuns.PAGE_BYTES;
        Arrays.fill(equal, false);
        Arrays.fill(clean, false);
        boolean any = false;
        child.kernel().readEntries(address, pages);
        try {
            parent.kernel().readEntries(address, pages);
            for (int i = 0; i < pages; i++) {
                equal[i] = sameFrame(parent.kernel().entry(i), child.kernel().entry(i)) && parent.settled(page + i);
                any |= equal[i];
            }
            if (any) {
                long end = address + (long) pages * PageRuns.PAGE_BYTES;
                if (parent.kernel().scan(Query.CLEAN, false, address, end, (a, b, zero) -> markClean(address, a, b))
                        != Outcome.COMPLETE) {
                    Arrays.fill(clean, false);
                }
                for (int i = 0; i < pages; i++) {
                    equal[i] &= clean[i];
                }
            }
        } catch (SpaceGoneException e) {
            parentGone = true;
        }
    }

    private void markClean(long base, long from, long to) {
        Arrays.fill(
                clean, (int) ((from - base) / PageRuns.PAGE_BYTES), (int) ((to - base) / PageRuns.PAGE_BYTES), true);
    }

    private static boolean sameFrame(long a, long b) {
        return (a & b & PRESENT) != 0 && (a & FRAME) == (b & FRAME) && (a & FRAME) != 0;
    }

    private void emit(SpaceTracker child, long page, int pages, PageRuns out) {
        for (int i = 0; i < pages; ) {
            int end = i + 1;
            while (end < pages && equal[end] == equal[i]) {
                end++;
            }
            long address = (page + i) * PageRuns.PAGE_BYTES;
            if (equal[i]) {
                out.add(
                        child.space().id(),
                        address,
                        end - i,
                        PageSource.SAME_AS,
                        parent.space().id());
            } else {
                out.add(child.space().id(), address, end - i, PageSource.BYTES);
            }
            i = end;
        }
    }
}
