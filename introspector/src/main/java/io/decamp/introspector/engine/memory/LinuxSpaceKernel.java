package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.PagemapAbi;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.memory.IoBatch;
import io.decamp.linux.memory.ProcessMemory;
import io.decamp.linux.pagemap.PageMapScanner;
import io.decamp.linux.pagemap.PageTableEntries;
import io.decamp.linux.pagemap.ScanRequest;
import io.decamp.linux.proc.MapsParser;
import io.decamp.linux.proc.Vma;
import io.decamp.linux.uffd.UserFaultFd;
import java.util.ArrayList;
import java.util.List;

/**
 * One address space of this host. /proc/PID/pagemap and /proc/PID/mem stay with the memory they were opened on, and a
 * userfaultfd stays with that of its creator; so after an exec they fail, and never answer for the successor.
 */
final class LinuxSpaceKernel implements SpaceKernel {
    private static final long POPULATED = PagemapAbi.PAGE_IS_PRESENT | PagemapAbi.PAGE_IS_SWAPPED;
    private static final long REPORTED = POPULATED | PagemapAbi.PAGE_IS_PFNZERO;
    private static final long PROTECT = PagemapAbi.PM_SCAN_WP_MATCHING | PagemapAbi.PM_SCAN_CHECK_WPASYNC;

    private static final ScanRequest WRITTEN_PROTECT =
            new ScanRequest(PROTECT, PagemapAbi.PAGE_IS_WRITTEN, 0, POPULATED, REPORTED);
    private static final ScanRequest WRITTEN =
            new ScanRequest(PagemapAbi.PM_SCAN_CHECK_WPASYNC, PagemapAbi.PAGE_IS_WRITTEN, 0, POPULATED, REPORTED);
    private static final ScanRequest POPULATED_PROTECT = new ScanRequest(PROTECT, 0, 0, POPULATED, REPORTED);
    private static final ScanRequest POPULATED_ONLY = new ScanRequest(0, 0, 0, POPULATED, REPORTED);
    private static final ScanRequest HOLES = new ScanRequest(0, POPULATED, POPULATED, 0, 0);
    private static final ScanRequest CLEAN = new ScanRequest(
            PagemapAbi.PM_SCAN_CHECK_WPASYNC,
            PagemapAbi.PAGE_IS_WRITTEN | PagemapAbi.PAGE_IS_PRESENT,
            PagemapAbi.PAGE_IS_WRITTEN,
            0,
            0);

    private final int pid;
    private final PageMapScanner scanner;
    private final PageTableEntries entries;
    private final ProcessMemory memory;
    private final UserFaultFd userFaultFd;
    private final Runnable onRelease;

    private LinuxSpaceKernel(int pid, UserFaultFd userFaultFd, Runnable onRelease) {
        this.pid = pid;
        this.userFaultFd = userFaultFd;
        this.onRelease = onRelease;
        scanner = PageMapScanner.open(pid);
        try {
            memory = ProcessMemory.open(pid);
        } catch (RuntimeException e) {
            scanner.close();
            throw e;
        }
        entries = new PageTableEntries(scanner.descriptor(), ForkSharing.CHUNK_PAGES);
    }

    /**
     * @param userFaultFd null to look without tracking; owned from here on when this returns
     * @param onRelease called when the tracking is over for good
     */
    static LinuxSpaceKernel open(int pid, UserFaultFd userFaultFd, Runnable onRelease) {
        try {
            return new LinuxSpaceKernel(pid, userFaultFd, onRelease);
        } catch (SyscallException e) {
            if (e.errno() == Errno.ENOENT || e.errno() == Errno.ESRCH) {
                throw new SpaceGoneException(pid, e);
            }
            throw e;
        }
    }

    /** Whether the userfaultfd is that of the memory that is looked at, and still works. */
    boolean tracks() {
        List<Range> mappings = mappings();
        return !mappings.isEmpty()
                && tryRegister(mappings.getFirst().from(), mappings.getFirst().to()) == 0;
    }

    @Override
    public List<Range> mappings() {
        List<Range> ranges = new ArrayList<>();
        boolean any = false;
        for (Vma vma : MapsParser.ofProcess(pid).orElse(List.of())) {
            any = true;
            if (!vma.shared() && isAnonymous(vma)) {
                ranges.add(new Range(vma.start(), vma.end()));
            }
        }
        if (!memory.isAlive()) {
            throw new SpaceGoneException(pid, null);
        }
        if (!any) {
            throw DecampException.refused(
                    "leader-exited",
                    "The first thread of process " + pid + " has exited while others run",
                    "CRIU can't move such a process either; have its main thread wait for the others");
        }
        return ranges;
    }

    /** CRIU's vma_entry_can_be_lazy() in criu/include/image.h, without its exceptions for locked memory. */
    static boolean isAnonymous(Vma vma) {
        return switch (vma.kind()) {
            case ANONYMOUS_PRIVATE, HEAP, STACK -> true;
            case FILE_PRIVATE, SHARED, KERNEL -> false;
        };
    }

    @Override
    public boolean register(long from, long to) {
        if (userFaultFd == null) {
            return false;
        }
        int result = tryRegister(from, to);
        if (result == 0) {
            return true;
        }
        if (!memory.isAlive()) {
            throw new SpaceGoneException(pid, null);
        }
        String where = "0x" + Long.toHexString(from) + "-0x" + Long.toHexString(to) + " of process " + pid;
        switch (-result) {
            case Errno.EINVAL -> {
                return false;
            }
            case Errno.EBUSY ->
                // a copy that was just restored, most likely: it can be tracked when its memory is complete
                throw DecampException.retry(
                        "foreign-userfaultfd",
                        "Memory " + where + " is still being filled, or is managed through a userfaultfd of its own",
                        "It is tried again; a workload that always uses userfaultfd itself can't be tracked",
                        null);
            default -> throw new SyscallException("UFFDIO_REGISTER", -result, where);
        }
    }

    private int tryRegister(long from, long to) {
        return userFaultFd.register(from, to, UffdAbi.UFFDIO_REGISTER_MODE_WP);
    }

    @Override
    public Outcome scan(Query query, boolean protect, long from, long to, Regions regions) {
        ScanRequest request = switch (query) {
            case WRITTEN -> protect ? WRITTEN_PROTECT : WRITTEN;
            case POPULATED -> protect ? POPULATED_PROTECT : POPULATED_ONLY;
            case HOLES -> HOLES;
            case CLEAN -> CLEAN;
        };
        PageMapScanner.Outcome outcome = scanner.scan(
                request,
                from,
                to,
                (start, end, categories) -> regions.region(start, end, (categories & PagemapAbi.PAGE_IS_PFNZERO) != 0));
        return switch (outcome) {
            case COMPLETE -> Outcome.COMPLETE;
            case NOT_REGISTERED -> Outcome.NOT_REGISTERED;
            case GONE -> throw new SpaceGoneException(pid, null);
        };
    }

    @Override
    public void readEntries(long address, int pages) {
        if (!entries.read(address, pages)) {
            throw new SpaceGoneException(pid, null);
        }
    }

    @Override
    public long entry(int i) {
        return entries.entry(i);
    }

    @Override
    public boolean read(IoBatch batch) {
        return switch (memory.read(batch)) {
            case COMPLETE -> true;
            case UNMAPPED -> false;
            case GONE -> throw new SpaceGoneException(pid, null);
        };
    }

    @Override
    public void close() {
        entries.close();
        scanner.close();
        memory.close();
        if (userFaultFd != null) {
            userFaultFd.close();
        }
    }

    @Override
    public void release() {
        close();
        onRelease.run();
    }
}
