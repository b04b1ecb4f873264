package io.decamp.linux.mem;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.MemorySegment;

/**
 * A part of a file mapped shared: of a tmpfs file as big as an address space, say, of which only this much can be
 * mapped
 * at once. Any thread may use it; whoever uses {@link #address} after {@link #close} destroys this JVM.
 */
public final class MappedWindow implements AutoCloseable {
    private final long offset;
    private final long bytes;
    private final MemorySegment segment;
    private boolean closed;

    /** Its bounds are those of the mapping just made, which is what the restriction is about. */
    @SuppressWarnings("restricted")
    private MappedWindow(long address, long offset, long bytes) {
        this.offset = offset;
        this.bytes = bytes;
        this.segment = MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** @param offset multiple of the page size; the file must reach to {@code offset + bytes} */
    public static MappedWindow readWrite(FileDescriptor file, long offset, long bytes) {
        return map(file, offset, bytes, FileAbi.PROT_READ | FileAbi.PROT_WRITE);
    }

    /** The same for reading only; writing to it is a fault that ends the JVM. */
    public static MappedWindow readOnly(FileDescriptor file, long offset, long bytes) {
        return map(file, offset, bytes, FileAbi.PROT_READ);
    }

    private static MappedWindow map(FileDescriptor file, long offset, long bytes, long protection) {
        long flags = FileAbi.MAP_SHARED | FileAbi.MAP_NORESERVE;
        return new MappedWindow(MemoryCalls.map(bytes, protection, flags, file.number(), offset), offset, bytes);
    }

    /** Where it begins in this process. */
    public long address() {
        return segment.address();
    }

    /** Its address for a byte of the file. */
    public long addressOf(long fileOffset) {
        if (fileOffset < offset || fileOffset >= offset + bytes) {
            throw new IndexOutOfBoundsException(
                    "file offset " + fileOffset + " is outside of window " + offset + " + " + bytes);
        }
        return segment.address() + (fileOffset - offset);
    }

    public long fileOffset() {
        return offset;
    }

    public long bytes() {
        return bytes;
    }

    public MemorySegment segment() {
        return segment;
    }

    /**
     * Allocates the pages of a range now (MADV_POPULATE_WRITE, since Linux 5.14), several times as fast as one fault
     * each,
     * and as an error instead of a SIGBUS when the file system is full.
     *
     * @param from within the window
     * @return false when the kernel can't
     */
    public boolean populate(long from, long length) {
        try {
            MemoryCalls.advise(segment.address() + from, length, FileAbi.MADV_POPULATE_WRITE);
            return true;
        } catch (SyscallException e) {
            if (e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    /** Idempotent. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            MemoryCalls.unmap(segment.address(), bytes);
        }
    }
}
