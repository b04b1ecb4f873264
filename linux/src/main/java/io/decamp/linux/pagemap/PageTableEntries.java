package io.decamp.linux.pagemap;

import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Entries of /proc/PID/pagemap, Documentation/admin-guide/mm/pagemap.rst: one 64-bit word a page. Page frame numbers
 * need
 * CAP_SYS_ADMIN, else they read as 0. One thread at a time; reading does not allocate.
 */
public final class PageTableEntries implements AutoCloseable {
    private static final int PAGE_SHIFT = 12;
    private static final long PFN_MASK = (1L << 55) - 1;
    private static final long SOFT_DIRTY = 1L << 55;
    private static final long EXCLUSIVE = 1L << 56;
    private static final long WRITE_PROTECTED = 1L << 57;
    private static final long FILE_OR_SHARED = 1L << 61;
    private static final long SWAPPED = 1L << 62;
    private static final long PRESENT = 1L << 63;

    private final FileDescriptor pagemap;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment entries;

    /** @param pagemap stays the caller's; {@code pagesAtOnce} bounds one {@link #read} */
    public PageTableEntries(FileDescriptor pagemap, int pagesAtOnce) {
        this.pagemap = pagemap;
        this.entries = arena.allocate(ValueLayout.JAVA_LONG, pagesAtOnce);
    }

    /**
     * Reads the entries of {@code pages} pages from {@code start} on; {@link #entry} gives them out.
     *
     * @return false when the address space has ended
     */
    public boolean read(long start, int pages) {
        long bytes = (long) pages * Long.BYTES;
        if (bytes > entries.byteSize()) {
            throw new IllegalArgumentException(pages + " pages are more than " + entries.byteSize() / Long.BYTES);
        }
        long done = 0;
        while (done < bytes) {
            long offset = (start >>> PAGE_SHIFT) * Long.BYTES + done;
            long got = FileCalls.pread(pagemap.number(), entries.address() + done, bytes - done, offset);
            if (got < 0) {
                throw new SyscallException(
                        "pread of pagemap", (int) -got, MemoryCalls.range(start, (long) pages << PAGE_SHIFT));
            }
            if (got == 0) {
                return false;
            }
            done += got;
        }
        return true;
    }

    /** The entry of page {@code i} of the last {@link #read}. */
    public long entry(int i) {
        return entries.getAtIndex(ValueLayout.JAVA_LONG, i);
    }

    public static boolean present(long entry) {
        return (entry & PRESENT) != 0;
    }

    public static boolean swapped(long entry) {
        return (entry & SWAPPED) != 0;
    }

    /** A page of a file, or shared anonymous memory. */
    public static boolean fileOrShared(long entry) {
        return (entry & FILE_OR_SHARED) != 0;
    }

    public static boolean softDirty(long entry) {
        return (entry & SOFT_DIRTY) != 0;
    }

    public static boolean writeProtectedByUffd(long entry) {
        return (entry & WRITE_PROTECTED) != 0;
    }

    /** Mapped here and nowhere else, since Linux 4.2. */
    public static boolean exclusive(long entry) {
        return (entry & EXCLUSIVE) != 0;
    }

    /** Only meaningful when {@link #present}. */
    public static long frame(long entry) {
        return entry & PFN_MASK;
    }

    @Override
    public void close() {
        arena.close();
    }
}
