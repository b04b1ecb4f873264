package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.linux.memory.IoBatch;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/**
 * Copies pages out of the VM's memory: finds their frames, copies, and looks whether they still are where they were;
 * what moved meanwhile is copied again. One thread at a time; does not allocate by the page.
 */
final class PageCopy {
    /** Walks a range of addresses. */
    @FunctionalInterface
    interface Walker {
        void walk(long from, long to, PageWalk.Pages pages);
    }

    private static final int PAGE = RamTracking.PAGE_BYTES;

    /** Looked up at once: a page table's worth. */
    private static final int CHUNK_PAGES = 512;

    /** The guest's kernel moves a page in microseconds, unless the processor it runs on is kept from running. */
    private static final Duration MOVE_LIMIT = Duration.ofSeconds(2);

    private static final long MOVE_WAIT_NANOS = 50_000;

    private static final MemorySegment LOCAL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final GuestRam ram;
    private final PageFrames frames;
    private final long[] before = new long[CHUNK_PAGES];
    private final int[] frame = new int[CHUNK_PAGES];
    private final long[] after = new long[CHUNK_PAGES];
    private boolean inTransit;

    PageCopy(GuestRam ram, PageFrames frames) {
        this.ram = ram;
        this.frames = frames;
    }

    /** @return false when it stopped at a page that is not there */
    boolean read(IoBatch batch, Walker walker) {
        long deadline = 0;
        while (batch.leftBytes() > 0) {
            long address = batch.remoteAddress();
            int pages = (int) Math.min(CHUNK_PAGES, batch.entryBytes() / PAGE);
            int found = find(walker, address, pages);
            if (found == 0 && !inTransit) {
                return false;
            }
            copy(batch.localAddress(), found);
            int same = confirm(walker, address, found);
            if (same == 0) {
                long now = System.nanoTime();
                deadline = deadline == 0 ? now + MOVE_LIMIT.toNanos() : deadline;
                if (now > deadline) {
                    throw DecampException.retry(
                            "vm-page-moving",
                            "The guest's kernel has been moving the page at 0x" + Long.toHexString(address) + " for "
                                    + MOVE_LIMIT.toMillis() + " ms",
                            "Try again when the guest is less short of memory, or of processor time",
                            null);
                }
                LockSupport.parkNanos(MOVE_WAIT_NANOS);
                continue;
            }
            deadline = 0;
            note(address, same);
            batch.advance((long) same * PAGE);
        }
        return true;
    }

    /** How many pages from the address on are there; {@link #inTransit} tells of the first one that is not. */
    private int find(Walker walker, long address, int pages) {
        Arrays.fill(frame, 0, pages, PageFrames.NONE);
        walker.walk(address, address + (long) pages * PAGE, (at, physical, number) -> {
            int i = (int) ((at - address) / PAGE);
            before[i] = physical;
            frame[i] = number;
        });
        int found = 0;
        while (found < pages && frame[found] != PageFrames.NONE && frame[found] != PageFrames.IN_TRANSIT) {
            found++;
        }
        inTransit = found < pages && frame[found] == PageFrames.IN_TRANSIT;
        return found;
    }

    private void copy(long local, int pages) {
        for (int i = 0; i < pages; ) {
            int end = i + 1;
            while (end < pages && before[end] == before[end - 1] + PAGE) {
                end++;
            }
            ram.read(before[i], LOCAL.asSlice(local + (long) i * PAGE, (long) (end - i) * PAGE));
            i = end;
        }
    }

    /** How many pages from the first on are where they were copied from. */
    private int confirm(Walker walker, long address, int pages) {
        Arrays.fill(after, 0, pages, -1);
        walker.walk(
                address,
                address + (long) pages * PAGE,
                (at, physical, number) -> after[(int) ((at - address) / PAGE)] = physical);
        int same = Arrays.mismatch(before, 0, pages, after, 0, pages);
        return same < 0 ? pages : same;
    }

    /** What was copied from elsewhere than the last scan wrote down must be reported by the next. */
    private void note(long address, int pages) {
        for (int i = 0; i < pages; i++) {
            long page = address / PAGE + i;
            if (frames.frame(page) != frame[i]) {
                frames.forget(page);
            }
        }
    }
}
