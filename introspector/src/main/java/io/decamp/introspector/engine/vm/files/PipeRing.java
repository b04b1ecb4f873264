package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.ArrayList;
import java.util.List;

/**
 * The ring of buffers in a {@code struct pipe_inode_info} (include/linux/pipe_fs_i.h): head and tail are counters
 * that wrap at 2^32, the slot is the counter modulo the ring's size, a power of two.
 */
record PipeRing(long capacityBytes, List<Buffer> buffers, boolean inPackets) {
    /** 256 times what an unprivileged process may ask for (fs.pipe-max-size, 1 MiB): 64 Ki pages. */
    static final int MAX_SLOTS = 1 << 16;

    private static final int PIPE_BUF_FLAG_PACKET = 0x08;
    private static final long COUNTER_MASK = 0xffffffffL;
    /** All slots full of ordinary pages. */
    private static final long MAX_BYTES = (long) MAX_SLOTS * Frames.PAGE_BYTES;
    /** A buffer may lie anywhere in a huge page that was spliced in. */
    private static final long MAX_BUFFER_BYTES = 2 << 20;

    /** Bytes of one buffer, in the memory behind a {@code struct page}. */
    record Buffer(long page, long offset, long length) {}

    static PipeRing of(KernelObject pipe) {
        int size = (int) pipe.number("ring_size");
        long head = pipe.number("head") & COUNTER_MASK;
        long tail = pipe.number("tail") & COUNTER_MASK;
        int used = used(head, tail, size);
        long usable = pipe.number("max_usage");
        long slots = pipe.number("bufs");
        long slotBytes = pipe.kernel().types().sizeOf("pipe_buffer");
        List<Buffer> buffers = new ArrayList<>(used);
        boolean packets = false;
        for (int i = 0; i < used; i++) {
            KernelObject slot = pipe.kernel().object("pipe_buffer", slots + slotBytes * (tail + i & size - 1));
            packets |= (slot.number("flags") & PIPE_BUF_FLAG_PACKET) != 0;
            buffers.add(checked(new Buffer(slot.number("page"), slot.number("offset"), slot.number("len"))));
        }
        if (usable < 0 || usable > MAX_SLOTS || sum(buffers) > MAX_BYTES) {
            throw new GuestFault(Reason.BOUND, "A pipe of " + usable + " buffers holds " + sum(buffers) + " bytes");
        }
        return new PipeRing(usable * Frames.PAGE_BYTES, buffers, packets);
    }

    /** @throws GuestFault when the counters can't be those of a ring of that size */
    static int used(long head, long tail, int size) {
        if (size <= 0 || size > MAX_SLOTS || Integer.bitCount(size) != 1) {
            throw new GuestFault(Reason.BOUND, "A pipe has " + size + " buffers");
        }
        long used = head - tail & COUNTER_MASK;
        if (used > size) {
            throw new GuestFault(Reason.BOUND, "A pipe uses " + used + " of its " + size + " buffers");
        }
        return (int) used;
    }

    private static Buffer checked(Buffer buffer) {
        if (buffer.offset() < 0
                || buffer.length() < 0
                || buffer.offset() + buffer.length() > MAX_BUFFER_BYTES) {
            throw new GuestFault(
                    Reason.BOUND,
                    "A pipe's buffer has " + buffer.length() + " bytes at " + buffer.offset() + " of a page");
        }
        return buffer;
    }

    long bytes() {
        return sum(buffers);
    }

    private static long sum(List<Buffer> buffers) {
        return buffers.stream().mapToLong(Buffer::length).sum();
    }
}
