package io.decamp.transfer.engine.encode;

import io.decamp.contracts.page.PageRuns;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * The versions of pages that were sent last, of those that are rewritten most: what a change is computed against. Memory
 * outside the heap, taken a MiB at a time up to a limit. A page has its place among {@link #WAYS}; when all are taken, one
 * that was not rewritten since gives way, and those that were stay and age slowly: a sweep over all memory does not drive
 * out what is rewritten again and again. Not thread safe.
 */
final class SentBases implements AutoCloseable {
    static final int NONE = -1;
    private static final int WAYS = 8;
    private static final int HOTTEST = 3;
    private static final int SLAB_PAGES = 256;

    /** Newcomers that find no room before those that have it count as rewritten once less. */
    private static final int AGE_AFTER = 16;

    private Arena arena = Arena.ofShared();
    private final MemorySegment[] slabs;
    private final int sets;
    private final long[] spaces;
    private final long[] pages;
    private final long[] epochs;
    private final int[] stored;
    private final byte[] heat;
    private int storedPages;
    private int refused;
    private int used;

    /** @param maxBytes of page content, rounded down to a power of two; less than 32 KiB keeps nothing */
    SentBases(long maxBytes) {
        long wanted = maxBytes / PageRuns.PAGE_BYTES / WAYS;
        sets = wanted <= 0 ? 0 : (int) Long.highestOneBit(Math.min(wanted, 1 << 24));
        int slots = sets * WAYS;
        slabs = new MemorySegment[(slots + SLAB_PAGES - 1) / SLAB_PAGES];
        spaces = new long[slots];
        pages = new long[slots];
        epochs = new long[slots];
        stored = new int[slots];
        Arrays.fill(stored, NONE);
        heat = new byte[slots];
    }

    /** @return where the version of a page is, or {@link #NONE} */
    int find(long space, long page) {
        if (used == 0) {
            return NONE;
        }
        int first = first(space, page);
        for (int i = first; i < first + WAYS; i++) {
            if (pages[i] == page && spaces[i] == space && epochs[i] != 0) {
                return i;
            }
        }
        return NONE;
    }

    private int first(long space, long page) {
        return (PageKeys.hash(space, page) & sets - 1) * WAYS;
    }

    /** The epoch that sent the version at {@code slot}. */
    long epoch(int slot) {
        return epochs[slot];
    }

    /** Memory that has the version at {@code slot}, at {@link #offset}. */
    MemorySegment memory(int slot) {
        return slabs[stored[slot] / SLAB_PAGES];
    }

    long offset(int slot) {
        return (long) (stored[slot] % SLAB_PAGES) * PageRuns.PAGE_BYTES;
    }

    /** Replaces the version at {@code slot} with what {@code epoch} sends. */
    void replace(int slot, long epoch, MemorySegment from, long offset) {
        MemorySegment.copy(from, offset, memory(slot), offset(slot), PageRuns.PAGE_BYTES);
        epochs[slot] = epoch;
        if (heat[slot] < HOTTEST) {
            heat[slot]++;
        }
    }

    /** Keeps a page that is not kept yet, if those in its place are not rewritten more. @return false when it had no room */
    boolean add(long space, long page, long epoch, MemorySegment from, long offset) {
        if (sets == 0) {
            return false;
        }
        int first = first(space, page);
        int coldest = first;
        for (int i = first; i < first + WAYS; i++) {
            if (epochs[i] == 0) {
                coldest = i;
                break;
            }
            if (heat[i] < heat[coldest]) {
                coldest = i;
            }
        }
        boolean taken = epochs[coldest] != 0;
        if (heat[coldest] > 0) {
            if (++refused % AGE_AFTER == 0) {
                age(first);
            }
            return false;
        }
        if (!taken) {
            used++;
            if (stored[coldest] == NONE) {
                stored[coldest] = storedPages++;
                int slab = stored[coldest] / SLAB_PAGES;
                if (slabs[slab] == null) {
                    slabs[slab] = arena.allocate((long) SLAB_PAGES * PageRuns.PAGE_BYTES, PageRuns.PAGE_BYTES);
                }
            }
        }
        spaces[coldest] = space;
        pages[coldest] = page;
        replace(coldest, epoch, from, offset);
        heat[coldest] = 0;
        return !taken;
    }

    private void age(int first) {
        for (int i = first; i < first + WAYS; i++) {
            heat[i] = (byte) Math.max(0, heat[i] - 1);
        }
    }

    /** Drops a run of pages. */
    void forget(long space, long firstPage, long count) {
        if (used == 0) {
            return;
        }
        if (count <= used) {
            for (long page = firstPage; page < firstPage + count; page++) {
                int slot = find(space, page);
                if (slot != NONE) {
                    drop(slot);
                }
            }
            return;
        }
        for (int i = 0; i < epochs.length; i++) {
            if (epochs[i] != 0 && spaces[i] == space && pages[i] >= firstPage && pages[i] < firstPage + count) {
                drop(i);
            }
        }
    }

    private void drop(int slot) {
        epochs[slot] = 0;
        heat[slot] = 0;
        used--;
    }

    /** Drops what a later epoch than {@code sealed} sent: the peer has not kept it. */
    void forgetAfter(long sealed) {
        for (int i = 0; i < epochs.length && used > 0; i++) {
            if (epochs[i] > sealed) {
                drop(i);
            }
        }
    }

    void retain(LongPredicate alive) {
        for (int i = 0; i < epochs.length && used > 0; i++) {
            if (epochs[i] != 0 && !alive.test(spaces[i])) {
                drop(i);
            }
        }
    }

    /** Gives the memory of the content back, too. */
    void forgetAll() {
        forgetAfter(0);
        arena.close();
        arena = Arena.ofShared();
        Arrays.fill(slabs, null);
        Arrays.fill(stored, NONE);
        storedPages = 0;
    }

    int used() {
        return used;
    }

    @Override
    public void close() {
        arena.close();
    }
}
