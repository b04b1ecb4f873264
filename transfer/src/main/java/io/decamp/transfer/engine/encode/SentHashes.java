package io.decamp.transfer.engine.encode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.LongPredicate;

/**
 * A hash for each page that was sent: 8 bytes a page, in chunks of {@link #CHUNK_PAGES} neighbours, outside the heap. A
 * page without an entry, or whose entry was forgotten, is unknown. When the limit is reached, further chunks stay
 * unknown, which costs bandwidth and nothing else. Not thread safe.
 */
final class SentHashes implements AutoCloseable {
    /** Neighbours that share a chunk: 256 KiB of memory, 512 bytes of hashes. */
    static final int CHUNK_PAGES = 64;

    static final long UNKNOWN = 0;
    private static final int NONE = -1;
    private static final int CHUNK_BYTES = CHUNK_PAGES * Long.BYTES;
    private static final int SLAB_CHUNKS = 2048;
    private static final int LEAST_TABLE = 256;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment[] slabs;
    private final int maxChunks;
    private int[] free = new int[16];
    private int freeCount;
    private int usedChunks;
    private int chunks;
    private long[] spaces = new long[LEAST_TABLE];
    private long[] numbers = new long[LEAST_TABLE];
    private int[] slots = new int[LEAST_TABLE];
    private long lastSpace;
    private long lastNumber;
    private int lastSlot = NONE;

    /** @param maxBytes of hashes; what finds them takes a tenth more */
    SentHashes(long maxBytes) {
        maxChunks = (int) Math.max(1, maxBytes / CHUNK_BYTES);
        slabs = new MemorySegment[(maxChunks + SLAB_CHUNKS - 1) / SLAB_CHUNKS];
        Arrays.fill(slots, NONE);
    }

    /** @return where the hash of a page is kept, made when there is room; -1 when there is none */
    long entry(long space, long page) {
        long number = page / CHUNK_PAGES;
        if (space != lastSpace || number != lastNumber || lastSlot == NONE) {
            lastSpace = space;
            lastNumber = number;
            lastSlot = find(space, number);
            if (lastSlot == NONE) {
                lastSlot = insert(space, number);
            }
        }
        return lastSlot == NONE ? NONE : (long) lastSlot * CHUNK_PAGES + page % CHUNK_PAGES;
    }

    long get(long entry) {
        return slab(entry).get(ValueLayout.JAVA_LONG, offset(entry));
    }

    void set(long entry, long hash) {
        slab(entry).set(ValueLayout.JAVA_LONG, offset(entry), hash);
    }

    private MemorySegment slab(long entry) {
        return slabs[(int) (entry / CHUNK_PAGES / SLAB_CHUNKS)];
    }

    private static long offset(long entry) {
        return entry % ((long) SLAB_CHUNKS * CHUNK_PAGES) * Long.BYTES;
    }

    /** Makes a run of pages unknown. */
    void forget(long space, long firstPage, long pages) {
        if (chunks == 0) {
            return;
        }
        long first = firstPage / CHUNK_PAGES;
        long last = (firstPage + pages - 1) / CHUNK_PAGES;
        if (last - first < slots.length) {
            for (long number = first; number <= last; number++) {
                clear(find(space, number), number, firstPage, pages);
            }
            return;
        }
        for (int i = 0; i < slots.length; i++) {
            if (slots[i] != NONE && spaces[i] == space && numbers[i] >= first && numbers[i] <= last) {
                clear(slots[i], numbers[i], firstPage, pages);
            }
        }
    }

    private void clear(int slot, long number, long firstPage, long pages) {
        if (slot != NONE) {
            long from = Math.max(firstPage, number * CHUNK_PAGES) - number * CHUNK_PAGES;
            long to = Math.min(firstPage + pages, (number + 1) * CHUNK_PAGES) - number * CHUNK_PAGES;
            for (long i = from; i < to; i++) {
                set((long) slot * CHUNK_PAGES + i, UNKNOWN);
            }
        }
    }

    /** Gives back the memory of all other spaces. */
    void retain(LongPredicate alive) {
        boolean all = true;
        for (int i = 0; i < slots.length && all; i++) {
            all = slots[i] == NONE || alive.test(spaces[i]);
        }
        if (!all) {
            rebuild(slots.length, alive);
        }
    }

    void forgetAll() {
        rebuild(LEAST_TABLE, space -> false);
    }

    private void rebuild(int length, LongPredicate alive) {
        long[] oldSpaces = spaces;
        long[] oldNumbers = numbers;
        int[] oldSlots = slots;
        spaces = new long[length];
        numbers = new long[length];
        slots = new int[length];
        Arrays.fill(slots, NONE);
        lastSlot = NONE;
        chunks = 0;
        for (int i = 0; i < oldSlots.length; i++) {
            if (oldSlots[i] != NONE) {
                if (alive.test(oldSpaces[i])) {
                    put(oldSpaces[i], oldNumbers[i], oldSlots[i]);
                } else {
                    giveBack(oldSlots[i]);
                }
            }
        }
    }

    private void giveBack(int slot) {
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, 2 * freeCount);
        }
        free[freeCount++] = slot;
    }

    private int find(long space, long number) {
        int mask = slots.length - 1;
        for (int i = PageKeys.hash(space, number) & mask; slots[i] != NONE; i = i + 1 & mask) {
            if (numbers[i] == number && spaces[i] == space) {
                return slots[i];
            }
        }
        return NONE;
    }

    private int insert(long space, long number) {
        int slot;
        if (freeCount > 0) {
            slot = free[--freeCount];
        } else if (usedChunks < maxChunks) {
            slot = usedChunks++;
        } else {
            return NONE;
        }
        int slab = slot / SLAB_CHUNKS;
        if (slabs[slab] == null) {
            slabs[slab] = arena.allocate((long) SLAB_CHUNKS * CHUNK_BYTES, Long.BYTES);
        }
        slabs[slab].asSlice((long) slot % SLAB_CHUNKS * CHUNK_BYTES, CHUNK_BYTES).fill((byte) UNKNOWN);
        if (2 * (chunks + 1) > slots.length) {
            rebuild(2 * slots.length, any -> true);
        }
        put(space, number, slot);
        lastSpace = space;
        lastNumber = number;
        return slot;
    }

    private void put(long space, long number, int slot) {
        int mask = slots.length - 1;
        int i = PageKeys.hash(space, number) & mask;
        while (slots[i] != NONE) {
            i = i + 1 & mask;
        }
        spaces[i] = space;
        numbers[i] = number;
        slots[i] = slot;
        chunks++;
    }

    /** Pages of which something may be known. */
    long capacityPages() {
        return (long) chunks * CHUNK_PAGES;
    }


    @Override
    public void close() {
        arena.close();
    }
}
