package io.decamp.snapshotter.engine.model;

import java.util.Arrays;
import java.util.function.LongPredicate;

/** The chunks of all address spaces, found by space and number without boxing (open addressing). */
final class HeatTable {
    /** Limit: 128 GiB of 2 MiB chunks in use, which take about 25 MiB here. What is beyond is counted as new memory. */
    static final int MAX_CHUNKS = 1 << 16;

    private HeatChunk[] slots = new HeatChunk[256];
    private HeatChunk[] all = new HeatChunk[64];
    private int size;
    private HeatChunk last;

    int size() {
        return size;
    }

    /** By age; stays valid until {@link #keep} or a chunk is made. */
    HeatChunk get(int i) {
        return all[i];
    }

    /** @return null when there is none */
    HeatChunk find(long space, long index) {
        if (last != null && last.index == index && last.space == space) {
            return last;
        }
        HeatChunk c = slots[slot(slots, space, index)];
        last = c == null ? last : c;
        return c;
    }

    /** @return null when the limit is reached */
    HeatChunk findOrMake(long space, long index) {
        HeatChunk c = find(space, index);
        if (c != null || size == MAX_CHUNKS) {
            return c;
        }
        if (size * 2 >= slots.length) {
            rebuild(slots.length * 2);
        }
        c = new HeatChunk(space, index);
        slots[slot(slots, space, index)] = c;
        if (size == all.length) {
            all = Arrays.copyOf(all, size * 2);
        }
        all[size++] = c;
        last = c;
        return c;
    }

    /** Forgets the chunks of spaces that are not alive. @return pages that existed in them */
    long keep(LongPredicate alive, HeatDigest d) {
        int kept = 0;
        long gone = 0;
        for (int i = 0; i < size; i++) {
            if (alive.test(all[i].space)) {
                all[kept++] = all[i];
            } else {
                gone += all[i].pages();
                d.pagedRuns -= all[i].pagedRuns();
            }
        }
        if (kept < size) {
            Arrays.fill(all, kept, size, null);
            size = kept;
            last = null;
            rebuild(slots.length);
        }
        return gone;
    }

    private void rebuild(int length) {
        slots = new HeatChunk[length];
        for (int i = 0; i < size; i++) {
            slots[slot(slots, all[i].space, all[i].index)] = all[i];
        }
    }

    private static int slot(HeatChunk[] slots, long space, long index) {
        long h = (space * 0x9E3779B97F4A7C15L + index) * 0xD6E8FEB86659FD93L;
        int at = (int) (h >>> 32) & (slots.length - 1);
        while (slots[at] != null && (slots[at].index != index || slots[at].space != space)) {
            at = (at + 1) & (slots.length - 1);
        }
        return at;
    }
}
