package io.decamp.linux.probe;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.libc.ProcessCalls;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.memory.IoBatch;
import io.decamp.linux.memory.ProcessMemory;
import io.decamp.linux.pagemap.PageMapScanner;
import io.decamp.linux.pagemap.PageTableEntries;
import io.decamp.linux.pagemap.ScanRequest;
import io.decamp.linux.uffd.UserFaultFd;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongFunction;

/** Probes on a written page of this process. */
final class MemoryProbes {
    private static final long PAGE_BYTES = 4096;
    private static final long MARK = 0x6465_6361_6d70L;
    private static final long FLAGS = UffdAbi.UFFD_USER_MODE_ONLY | FileAbi.O_CLOEXEC | FileAbi.O_NONBLOCK;

    private MemoryProbes() {}

    static Support userfaultfd() {
        int fd = ProcessCalls.userfaultfd(FLAGS);
        if (fd < 0) {
            return Support.no("userfaultfd says " + Errno.name(-fd));
        }
        FileDescriptor.own(fd, "probe of userfaultfd").close();
        return Support.yes();
    }

    static Support writeProtectAsync() {
        int fd = ProcessCalls.userfaultfd(FLAGS);
        if (fd < 0) {
            return Support.no("userfaultfd says " + Errno.name(-fd));
        }
        try (UserFaultFd uffd = new UserFaultFd(FileDescriptor.own(fd, "probe of WP_ASYNC"))) {
            uffd.api(UffdAbi.UFFD_FEATURE_WP_ASYNC
                    | UffdAbi.UFFD_FEATURE_WP_UNPOPULATED
                    | UffdAbi.UFFD_FEATURE_PAGEFAULT_FLAG_WP);
            return Support.yes();
        } catch (SyscallException e) {
            return Support.no("UFFDIO_API says " + e.errnoName());
        }
    }

    static Support pagemapScan() {
        return onPage(address -> {
            try (PageMapScanner scanner = PageMapScanner.open(ourPid())) {
                long[] pages = new long[1];
                scanner.scan(ScanRequest.RESIDENT, address, address + PAGE_BYTES, (start, end, categories) -> pages[0]++);
                return pages[0] == 1 ? Support.yes() : Support.no("it found " + pages[0] + " regions of one page");
            }
        });
    }

    static Support frameNumbers() {
        return onPage(address -> PageTableEntries.frame(entry(address)) != 0
                ? Support.yes()
                : Support.no("they read as 0: CAP_SYS_ADMIN is needed"));
    }

    static Support softDirty() {
        // A page that was just written in a new mapping has the bit, where there is such a bit.
        return onPage(address -> PageTableEntries.softDirty(entry(address))
                ? Support.yes()
                : Support.no("a written page has no such bit: CONFIG_MEM_SOFT_DIRTY is not set"));
    }

    static Support processVmReadv() {
        return onPage(address -> {
            try (ProcessMemory memory = ProcessMemory.open(ourPid());
                    IoBatch batch = new IoBatch()) {
                batch.add(address, address + PAGE_BYTES / 2, Long.BYTES);
                memory.read(batch);
                long copied = page(address).get(ValueLayout.JAVA_LONG, PAGE_BYTES / 2);
                return copied == MARK ? Support.yes() : Support.no("it copied 0x" + Long.toHexString(copied));
            }
        });
    }

    static Support populateWrite() {
        return onPage(address -> {
            MemoryCalls.advise(address, PAGE_BYTES, FileAbi.MADV_POPULATE_WRITE);
            return Support.yes();
        });
    }

    private static long entry(long address) {
        try (FileDescriptor pagemap = FileDescriptor.open("/proc/self/pagemap", FileAbi.O_RDONLY, 0);
                PageTableEntries entries = new PageTableEntries(pagemap, 1)) {
            entries.read(address, 1);
            return entries.entry(0);
        }
    }

    private static Support onPage(LongFunction<Support> probe) {
        long address = MemoryCalls.map(
                PAGE_BYTES,
                FileAbi.PROT_READ | FileAbi.PROT_WRITE,
                FileAbi.MAP_PRIVATE | FileAbi.MAP_ANONYMOUS,
                -1,
                0);
        try {
            page(address).set(ValueLayout.JAVA_LONG, 0, MARK);
            return probe.apply(address);
        } catch (SyscallException e) {
            return Support.no(e.call() + " says " + e.errnoName());
        } finally {
            MemoryCalls.unmap(address, PAGE_BYTES);
        }
    }

    @SuppressWarnings("restricted")
    private static MemorySegment page(long address) {
        return MemorySegment.ofAddress(address).reinterpret(PAGE_BYTES);
    }

    private static int ourPid() {
        return (int) ProcessHandle.current().pid();
    }
}
