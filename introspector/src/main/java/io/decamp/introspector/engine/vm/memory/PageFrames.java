package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Which page of the VM's memory each page of one address space was in when it was last looked at, and the number of the
 * refresh that had been seen by then. In a file on tmpfs, so that it outlives the service. Pages are numbered by {@code
 * address / 4096}. Not thread safe.
 *
 * <pre>
 * 0        header   identity of the address space: six longs; how many slots were ever handed out
 * 4 KiB    owners   one long a slot: number of its block + 1, or 0
 * ...      slots    4 KiB each: one long a page of a block of 2 MiB; frame + 1 in the high half, seen in the low one
 * </pre>
 *
 * <p>Seen 0 means: to be reported by the next scan, whatever the stamp. An entry is one aligned store, so that a
 * service which is killed leaves the old or the new one.
 */
final class PageFrames implements AutoCloseable {
    static final int BLOCK_SHIFT = 9;
    static final int BLOCK_PAGES = 1 << BLOCK_SHIFT;

    /** Of a page that the guest's kernel is moving at this moment: it has content, and nobody knows where. */
    static final int IN_TRANSIT = -2;

    /** Of a page that was not there. */
    static final int NONE = -1;

    private static final int HEADER_BYTES = 4096;
    private static final int HEADER_LONGS = 6;
    private static final long MADE_AT = HEADER_LONGS * Long.BYTES;
    private static final int SLOT_BYTES = BLOCK_PAGES * Long.BYTES;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final int limit;
    private final long slotsAt;
    /** Of blocks in use, ascending, with the slot of each. */
    private long[] blocks = new long[64];

    private int[] slots = new int[64];
    private int size;
    /** Slots below are in use or in {@link #free}. */
    private int made;

    private int[] free = new int[16];
    private int freeSize;

    private PageFrames(Path file, int limit) throws IOException {
        this.limit = limit;
        this.slotsAt = HEADER_BYTES + ((long) limit * Long.BYTES + HEADER_BYTES - 1 & -HEADER_BYTES);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, slotsAt + (long) limit * SLOT_BYTES, arena);
        }
    }

    /**
     * @param limit of blocks of 2 MiB in which pages may be; each costs 4 KiB
     * @param identity of the address space; what the file holds of another one is dropped
     */
    static PageFrames open(Path file, int limit, long[] identity) {
        try {
            Files.createDirectories(file.getParent());
            if (!isKept(file, identity)) {
                Files.deleteIfExists(file);
            }
            PageFrames frames = new PageFrames(file, limit);
            frames.identify(identity);
            frames.find();
            return frames;
        } catch (IOException e) {
            throw WriteStamps.unusable(file, e);
        }
    }

    /** Whether the file holds what an earlier service knew of this address space. */
    static boolean isKept(Path file, long[] identity) {
        if (Files.notExists(file)) {
            return false;
        }
        try (Arena own = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file)) {
            if (channel.size() < HEADER_BYTES) {
                // made by a service that was killed before it had a size
                return false;
            }
            MemorySegment header = channel.map(FileChannel.MapMode.READ_ONLY, 0, HEADER_BYTES, own);
            return Arrays.equals(header.asSlice(0, HEADER_LONGS * Long.BYTES).toArray(WORD), padded(identity));
        } catch (IOException e) {
            throw WriteStamps.unusable(file, e);
        }
    }

    private void identify(long[] identity) {
        MemorySegment.copy(padded(identity), 0, memory, WORD, 0, HEADER_LONGS);
    }

    private static long[] padded(long[] identity) {
        if (identity.length > HEADER_LONGS) {
            throw new IllegalArgumentException("an identity of " + identity.length + " numbers");
        }
        return Arrays.copyOf(identity, HEADER_LONGS);
    }

    private void find() {
        made = (int) memory.get(WORD, MADE_AT);
        for (int slot = 0; slot < made; slot++) {
            long owner = owner(slot);
            if (owner == 0) {
                release(slot);
            } else {
                insert(indexOf(owner - 1), owner - 1, slot);
            }
        }
    }

    /** The slot of a block, or -1 when no page of it is there. */
    int slot(long block) {
        int i = indexOf(block);
        return i < size && blocks[i] == block ? slots[i] : -1;
    }

    int slotFor(long block) {
        int i = indexOf(block);
        if (i < size && blocks[i] == block) {
            return slots[i];
        }
        int slot = freeSize > 0 ? free[--freeSize] : made;
        if (slot >= limit) {
            throw DecampException.refused(
                    "address-space-too-scattered",
                    "A process has pages in more than " + limit + " blocks of 2 MiB",
                    "It would take more memory to follow than it has; save it another way");
        }
        memory.asSlice(slotsAt + (long) slot * SLOT_BYTES, SLOT_BYTES).fill((byte) 0);
        if (slot == made) {
            memory.set(WORD, MADE_AT, ++made);
        }
        VarHandle.releaseFence();
        memory.set(WORD, HEADER_BYTES + (long) slot * Long.BYTES, block + 1);
        insert(i, block, slot);
        return slot;
    }

    /** Where a page was; {@link #NONE} when it was not there. */
    int frame(long page) {
        int slot = slot(page >>> BLOCK_SHIFT);
        return slot < 0 ? NONE : frame(slot, (int) page & BLOCK_PAGES - 1);
    }

    int frame(int slot, int page) {
        return (int) (entry(slot, page) >>> 32) - 1;
    }

    int seen(int slot, int page) {
        return (int) entry(slot, page);
    }

    void set(int slot, int page, int frame, int seen) {
        memory.set(WORD, at(slot, page), (long) (frame + 1) << 32 | seen);
    }

    /** Has the page reported by the next scan; nothing if it is not there. */
    void forget(long page) {
        int slot = slot(page >>> BLOCK_SHIFT);
        if (slot >= 0) {
            int i = (int) page & BLOCK_PAGES - 1;
            set(slot, i, frame(slot, i), 0);
        }
    }

    /** Nothing is there in {@code [from, to)}. */
    void clear(long from, long to) {
        int i = indexOf(from >>> BLOCK_SHIFT);
        int kept = i;
        for (; i < size && blocks[i] << BLOCK_SHIFT < to; i++) {
            long first = blocks[i] << BLOCK_SHIFT;
            int low = (int) Math.max(0, from - first);
            int high = (int) Math.min(BLOCK_PAGES, to - first);
            memory.asSlice(at(slots[i], low), (long) (high - low) * Long.BYTES).fill((byte) 0);
            boolean whole = low == 0 && high == BLOCK_PAGES;
            if (whole || isEmpty(slots[i])) {
                memory.set(WORD, HEADER_BYTES + (long) slots[i] * Long.BYTES, 0);
                release(slots[i]);
            } else {
                blocks[kept] = blocks[i];
                slots[kept++] = slots[i];
            }
        }
        if (kept < i) {
            System.arraycopy(blocks, i, blocks, kept, size - i);
            System.arraycopy(slots, i, slots, kept, size - i);
            size -= i - kept;
        }
    }

    /** Number of blocks in use. */
    int size() {
        return size;
    }

    /** Index of the first block in use that is not before {@code block}; {@link #size} when there is none. */
    int indexOf(long block) {
        int low = 0;
        int high = size;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (blocks[middle] < block) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    long block(int index) {
        return blocks[index];
    }

    int slotAt(int index) {
        return slots[index];
    }

    private boolean isEmpty(int slot) {
        for (int i = 0; i < BLOCK_PAGES; i++) {
            if (entry(slot, i) != 0) {
                return false;
            }
        }
        return true;
    }

    private void insert(int index, long block, int slot) {
        if (size == blocks.length) {
            blocks = Arrays.copyOf(blocks, size * 2);
            slots = Arrays.copyOf(slots, size * 2);
        }
        System.arraycopy(blocks, index, blocks, index + 1, size - index);
        System.arraycopy(slots, index, slots, index + 1, size - index);
        blocks[index] = block;
        slots[index] = slot;
        size++;
    }

    private void release(int slot) {
        if (freeSize == free.length) {
            free = Arrays.copyOf(free, freeSize * 2);
        }
        free[freeSize++] = slot;
    }

    private long owner(int slot) {
        return memory.get(WORD, HEADER_BYTES + (long) slot * Long.BYTES);
    }

    private long entry(int slot, int page) {
        return memory.get(WORD, at(slot, page));
    }

    private long at(int slot, int page) {
        return slotsAt + (long) slot * SLOT_BYTES + (long) page * Long.BYTES;
    }

    @Override
    public void close() {
        arena.close();
    }
}
