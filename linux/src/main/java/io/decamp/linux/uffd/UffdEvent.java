package io.decamp.linux.uffd;

import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** One message of a userfaultfd, struct uffd_msg. */
public sealed interface UffdEvent {
    /** A thread waits for a page. {@code flags} are UFFD_PAGEFAULT_FLAG_ bits; the address may have been masked. */
    record Pagefault(long address, long flags) implements UffdEvent {
        public boolean isWriteProtect() {
            return (flags & UffdAbi.UFFD_PAGEFAULT_FLAG_WP) != 0;
        }
    }

    /** The process forked; the child's own userfaultfd was put into the reader's descriptor table. */
    record Fork(UserFaultFd child) implements UffdEvent {}

    /** mremap moved {@code bytes} bytes. */
    record Remap(long from, long to, long bytes) implements UffdEvent {}

    /** madvise threw the content of {@code [start, end)} away; it reads as zeros from now on. */
    record Remove(long start, long end) implements UffdEvent {}

    record Unmap(long start, long end) implements UffdEvent {}

    /**
     * Decodes one message. Decode each message once: a fork carries a descriptor, and the result owns it.
     *
     * @throws IllegalArgumentException for an event that was not asked for in the handshake
     */
    static UffdEvent decode(MemorySegment messages, long offset) {
        long kind = messages.get(ValueLayout.JAVA_BYTE, offset + UffdAbi.MESSAGE_EVENT) & 0xFF;
        if (kind == UffdAbi.UFFD_EVENT_PAGEFAULT) {
            return new Pagefault(
                    at(messages, offset + UffdAbi.PAGEFAULT_ADDRESS), at(messages, offset + UffdAbi.PAGEFAULT_FLAGS));
        }
        if (kind == UffdAbi.UFFD_EVENT_FORK) {
            int fd = messages.get(ValueLayout.JAVA_INT_UNALIGNED, offset + UffdAbi.FORK_UFD);
            return new Fork(new UserFaultFd(FileDescriptor.own(fd, "userfaultfd of a fork")));
        }
        if (kind == UffdAbi.UFFD_EVENT_REMAP) {
            return new Remap(
                    at(messages, offset + UffdAbi.REMAP_FROM),
                    at(messages, offset + UffdAbi.REMAP_TO),
                    at(messages, offset + UffdAbi.REMAP_LEN));
        }
        long start = at(messages, offset + UffdAbi.REMOVE_START);
        long end = at(messages, offset + UffdAbi.REMOVE_END);
        if (kind == UffdAbi.UFFD_EVENT_REMOVE) {
            return new Remove(start, end);
        }
        if (kind == UffdAbi.UFFD_EVENT_UNMAP) {
            return new Unmap(start, end);
        }
        throw new IllegalArgumentException("unknown userfaultfd event 0x" + Long.toHexString(kind));
    }

    private static long at(MemorySegment messages, long offset) {
        return messages.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
    }
}
