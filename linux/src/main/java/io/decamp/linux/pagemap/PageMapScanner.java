package io.decamp.linux.pagemap;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.PagemapAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Scans the page tables of one address space by PAGEMAP_SCAN (fs/proc/task_mmu.c, since Linux 6.7). Bound to the memory
 * that the process had when it was opened: after an exec it reports {@link Outcome#GONE}. One thread at a time; a scan
 * does not allocate.
 */
public final class PageMapScanner implements AutoCloseable {
    /** How a scan ended. */
    public enum Outcome {
        COMPLETE,
        /**
         * A mapping in the range is not registered for asynchronous write protection. <b>What was reported is not all
         * that was protected</b>: the kernel drops its count on error, so the whole range must be taken as written.
         */
        NOT_REGISTERED,
        /** The address space has ended: exit or exec. */
        GONE
    }

    /** Regions per call: 192 KiB of result. The kernel gathers 512 at a time, more only saves system calls. */
    private static final int REGIONS_PER_CALL = 8192;

    private final int pid;
    private final FileDescriptor pagemap;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment argument = arena.allocate(PagemapAbi.SCAN_BYTES, 8);
    private final MemorySegment regions = arena.allocate(PagemapAbi.REGION_BYTES * REGIONS_PER_CALL, 8);

    private PageMapScanner(int pid, FileDescriptor pagemap) {
        this.pid = pid;
        this.pagemap = pagemap;
    }

    /** @throws SyscallException ENOENT when there is no such process, EACCES without the right to trace it */
    public static PageMapScanner open(int pid) {
        return new PageMapScanner(pid, FileDescriptor.open("/proc/" + pid + "/pagemap", FileAbi.O_RDONLY, 0));
    }

    /** The /proc/PID/pagemap that is scanned. */
    public FileDescriptor descriptor() {
        return pagemap;
    }

    /**
     * Reports all matching pages of {@code [start, end)}. Scan mapping by mapping when the request checks for
     * registration, see {@link Outcome#NOT_REGISTERED}.
     */
    public Outcome scan(ScanRequest request, long start, long end, RegionSink sink) {
        set(PagemapAbi.SCAN_SIZE, PagemapAbi.SCAN_BYTES);
        set(PagemapAbi.SCAN_FLAGS, request.flags());
        set(PagemapAbi.SCAN_END, end);
        set(PagemapAbi.SCAN_VEC, regions.address());
        set(PagemapAbi.SCAN_VEC_LEN, REGIONS_PER_CALL);
        set(PagemapAbi.SCAN_MAX_PAGES, 0);
        set(PagemapAbi.SCAN_CATEGORY_INVERTED, request.inverted());
        set(PagemapAbi.SCAN_CATEGORY_MASK, request.mask());
        set(PagemapAbi.SCAN_CATEGORY_ANYOF_MASK, request.anyOf());
        set(PagemapAbi.SCAN_RETURN_MASK, request.returned());
        long from = start;
        while (Long.compareUnsigned(from, end) < 0) {
            set(PagemapAbi.SCAN_START, from);
            set(PagemapAbi.SCAN_WALK_END, 0);
            int found = FileCalls.ioctl(pagemap.number(), PagemapAbi.PAGEMAP_SCAN, argument.address());
            if (found == -Errno.EPERM) {
                return Outcome.NOT_REGISTERED;
            }
            if (found == -Errno.ESRCH) {
                return Outcome.GONE;
            }
            if (found < 0) {
                throw new SyscallException(
                        "PAGEMAP_SCAN", -found, "pid " + pid + " at " + MemoryCalls.range(from, end - from));
            }
            long lastEnd = report(found, sink);
            if (found < REGIONS_PER_CALL) {
                // walk_end is not asked here: the kernel leaves it where its own buffer of 512 regions was last full.
                return Outcome.COMPLETE;
            }
            long walkEnd = argument.get(ValueLayout.JAVA_LONG, PagemapAbi.SCAN_WALK_END);
            long next = Long.compareUnsigned(walkEnd, lastEnd) > 0 ? walkEnd : lastEnd;
            if (Long.compareUnsigned(next, from) <= 0) {
                throw new IllegalStateException(
                        "PAGEMAP_SCAN of pid " + pid + " stands still at 0x" + Long.toHexString(from));
            }
            from = next;
        }
        return Outcome.COMPLETE;
    }

    private long report(int found, RegionSink sink) {
        long last = 0;
        for (int i = 0; i < found; i++) {
            long base = i * PagemapAbi.REGION_BYTES;
            last = regions.get(ValueLayout.JAVA_LONG, base + PagemapAbi.REGION_END);
            sink.region(
                    regions.get(ValueLayout.JAVA_LONG, base + PagemapAbi.REGION_START),
                    last,
                    regions.get(ValueLayout.JAVA_LONG, base + PagemapAbi.REGION_CATEGORIES));
        }
        return last;
    }

    private void set(long offset, long value) {
        argument.set(ValueLayout.JAVA_LONG, offset, value);
    }

    @Override
    public void close() {
        pagemap.close();
        arena.close();
    }
}
