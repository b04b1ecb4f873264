package io.decamp.linux.uffd;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.Errno;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.MemoryCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A userfaultfd: of this process, or of another one (the ioctls act on the address space of the process that created
 * it, whoever calls). All addresses and lengths are in bytes and multiples of the page size. Every thread may call.
 *
 * <p>Closing the last descriptor of it unregisters everything: tracked pages become plain ones, and <b>whoever waits
 * for
 * a missing page goes on with a zero page</b>. What must not happen by accident belongs into the keeper as well.
 */
public final class UserFaultFd implements AutoCloseable {
    private final FileDescriptor descriptor;

    public UserFaultFd(FileDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    public int number() {
        return descriptor.number();
    }

    public FileDescriptor descriptor() {
        return descriptor;
    }

    /**
     * The handshake that must come first, once in the life of a userfaultfd.
     *
     * @param features UFFD_FEATURE_ bits that are needed
     * @throws SyscallException EINVAL when the kernel lacks one of them, EPERM for EVENT_FORK without CAP_SYS_PTRACE
     */
    public void api(long features) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = arena.allocate(UffdAbi.ARGUMENT_BYTES, 8);
            argument.set(ValueLayout.JAVA_LONG, UffdAbi.API_API, UffdAbi.UFFD_API);
            argument.set(ValueLayout.JAVA_LONG, UffdAbi.API_FEATURES, features);
            int result = ioctl(UffdAbi.UFFDIO_API, argument);
            if (result < 0) {
                throw new SyscallException("UFFDIO_API", -result, "features 0x" + Long.toHexString(features));
            }
        }
    }

    /**
     * Registers {@code [start, end)}, which must be covered by mappings.
     *
     * @param modes UFFDIO_REGISTER_MODE_ bits
     * @return 0, or {@code -errno}: EBUSY when another userfaultfd owns it, EINVAL for a mapping that can't be
     *     registered or is not there, ENOMEM when the address space is gone (exit, exec)
     */
    public int register(long start, long end, long modes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = range(arena, start, end - start);
            argument.set(ValueLayout.JAVA_LONG, UffdAbi.REGISTER_MODE, modes);
            return ioctl(UffdAbi.UFFDIO_REGISTER, argument);
        }
    }

    /** @return 0, or {@code -errno} */
    public int unregister(long start, long end) {
        try (Arena arena = Arena.ofConfined()) {
            return ioctl(UffdAbi.UFFDIO_UNREGISTER, range(arena, start, end - start));
        }
    }

    /** @return 0, or {@code -errno}: ENOENT where nothing is registered for write protection, EAGAIN: try again */
    public int writeProtect(long start, long end, boolean protect) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment argument = range(arena, start, end - start);
            long mode = protect ? UffdAbi.UFFDIO_WRITEPROTECT_MODE_WP : 0;
            argument.set(ValueLayout.JAVA_LONG, UffdAbi.WRITEPROTECT_MODE, mode);
            return ioctl(UffdAbi.UFFDIO_WRITEPROTECT, argument);
        }
    }

    /** Wakes whoever waits for a page of the range; it faults anew if the page is still missing. @return 0 or -errno */
    public int wake(long start, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            return ioctl(UffdAbi.UFFDIO_WAKE, range(arena, start, bytes));
        }
    }

    /** A reusable argument for {@link UffdCopy#copy}, so that filling does not allocate. One thread at a time. */
    public UffdCopy copier() {
        return new UffdCopy(descriptor);
    }

    /**
     * Reads as many whole events as are queued and fit, straight to memory (a mapped journal, say): a fault that was
     * read is known to nobody else.
     *
     * @return bytes stored, a multiple of {@link UffdAbi#MESSAGE_BYTES}; 0 when nothing is queued (the descriptor
     *     must be non-blocking)
     */
    public long read(long address, long capacityBytes) {
        long got = FileCalls.read(descriptor.number(), address, capacityBytes);
        if (got == -Errno.EAGAIN) {
            return 0;
        }
        if (got < 0) {
            throw new SyscallException("read of userfaultfd", (int) -got, MemoryCalls.range(address, capacityBytes));
        }
        return got;
    }

    /**
     * Waits for events.
     *
     * @param timeoutMillis -1 for ever
     * @return false when the time is over
     */
    public boolean await(int timeoutMillis) {
        int ready = FileCalls.poll(descriptor.number(), FileAbi.POLLIN, timeoutMillis);
        if ((ready & FileAbi.POLLERR) != 0) {
            // userfaultfd_poll(): before the handshake, or when the descriptor is a blocking one
            throw new IllegalStateException("userfaultfd can't be waited for: no handshake, or a blocking descriptor");
        }
        return ready != 0;
    }

    private int ioctl(long request, MemorySegment argument) {
        return FileCalls.ioctl(descriptor.number(), request, argument.address());
    }

    private static MemorySegment range(Arena arena, long start, long bytes) {
        MemorySegment argument = arena.allocate(UffdAbi.ARGUMENT_BYTES, 8);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.RANGE_START, start);
        argument.set(ValueLayout.JAVA_LONG, UffdAbi.RANGE_LEN, bytes);
        return argument;
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
