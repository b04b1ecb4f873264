package io.decamp.linux.proc;

/**
 * One mapping, a line of /proc/PID/maps.
 *
 * @param start first address
 * @param end first address behind it
 * @param offset in the mapped file, bytes
 * @param device {@code fd:01}, {@code 00:00} for none
 * @param path as printed, also the bracketed names; empty for none
 */
public record Vma(
        long start,
        long end,
        boolean readable,
        boolean writable,
        boolean executable,
        boolean shared,
        long offset,
        String device,
        long inode,
        String path) {
    /** What a mapping is to a migration. */
    public enum Kind {
        ANONYMOUS_PRIVATE,
        HEAP,
        STACK,
        FILE_PRIVATE,
        /** A shared file, memfd, System V segment or shared anonymous memory. */
        SHARED,
        /** vdso, vvar, vsyscall, uprobes: made by the kernel for each process, not registrable. */
        KERNEL
    }

    public long bytes() {
        return end - start;
    }

    public Kind kind() {
        if (path.startsWith("[")) {
            if (path.equals("[heap]")) {
                return Kind.HEAP;
            }
            if (path.startsWith("[stack")) {
                return Kind.STACK;
            }
            if (path.startsWith("[v") || path.equals("[uprobes]") || path.equals("[sigpage]")) {
                return Kind.KERNEL;
            }
        }
        if (shared) {
            return Kind.SHARED;
        }
        return inode != 0 ? Kind.FILE_PRIVATE : Kind.ANONYMOUS_PRIVATE;
    }

    public boolean contains(long address) {
        return Long.compareUnsigned(start, address) <= 0 && Long.compareUnsigned(address, end) < 0;
    }

    @Override
    public String toString() {
        return Long.toHexString(start) + "-" + Long.toHexString(end) + " " + permissions() + " " + path;
    }

    /** {@code rw-p}. */
    public String permissions() {
        return (readable ? "r" : "-") + (writable ? "w" : "-") + (executable ? "x" : "-") + (shared ? "s" : "p");
    }
}
