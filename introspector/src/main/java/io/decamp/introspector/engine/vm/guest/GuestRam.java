package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.LongConsumer;

/**
 * The lowest layer: physical memory of a guest as a read-only mapping of its RAM file. Refuses every address that is
 * not RAM or runs over the end of a range, and says so when the file got shorter than the mapping. It knows nothing of
 * pages, pointers or types, and does not wrap around.
 *
 * <p>Reading a hole of the file makes the host allocate it: look for what may be anywhere with {@link VmcoreInfo#scan},
 * which skips holes. Thread safe; closing while others read ends their reads with {@link IllegalStateException}.
 */
public final class GuestRam implements AutoCloseable {
    /** Size of a page frame on x86-64. */
    public static final int PAGE_BYTES = 4096;

    static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Arena arena;
    private final MemorySegment memory;
    private final MemoryLayout layout;
    private final String name;
    private final LongConsumer frames;

    GuestRam(Arena arena, MemorySegment memory, MemoryLayout layout, String name, LongConsumer frames) {
        if (layout.fileBytes() > memory.byteSize()) {
            throw new GuestFault(
                    Reason.GONE,
                    "RAM file " + name + " has " + memory.byteSize() + " bytes, the machine's memory tree needs "
                            + layout.fileBytes());
        }
        this.arena = arena;
        this.memory = memory;
        this.layout = layout;
        this.name = name;
        this.frames = frames;
    }

    /**
     * Maps the file. The path may be one of {@code /proc/PID/fd} (a memfd, or a file in another mount namespace).
     *
     * @throws GuestFault when the file is missing or shorter than the layout
     */
    public static GuestRam open(Path file, MemoryLayout layout) {
        return open(file, layout, null);
    }

    /** @param frames is told the address of each frame that is read, as often as it is; null for nobody */
    static GuestRam open(Path file, MemoryLayout layout, LongConsumer frames) {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new GuestRam(arena, all, layout, file.toString(), frames);
        } catch (IOException e) {
            arena.close();
            throw new GuestFault(Reason.GONE, "RAM file " + file + " can't be mapped", e);
        } catch (GuestFault e) {
            arena.close();
            throw e;
        }
    }

    /** Over memory that is already there: for recorded images. It stays the caller's. */
    static GuestRam of(MemorySegment memory, MemoryLayout layout, String name) {
        return new GuestRam(null, memory, layout, name, null);
    }

    /** Bytes of RAM. */
    public long bytes() {
        return layout.bytes();
    }

    /** First address behind all RAM. */
    public long end() {
        return layout.end();
    }

    public MemoryLayout layout() {
        return layout;
    }

    public boolean contains(long gpa, long length) {
        return layout.fileOffset(gpa, length) >= 0;
    }

    /** @throws GuestFault when the address is not RAM */
    public long fileOffset(long gpa) {
        return offset(gpa, 1);
    }

    public byte u8(long gpa) {
        long offset = offset(gpa, 1);
        try {
            return memory.get(ValueLayout.JAVA_BYTE, offset);
        } catch (InternalError e) {
            throw gone(gpa, e);
        }
    }

    public short u16(long gpa) {
        long offset = offset(gpa, 2);
        try {
            return memory.get(U16, offset);
        } catch (InternalError e) {
            throw gone(gpa, e);
        }
    }

    public int u32(long gpa) {
        long offset = offset(gpa, 4);
        try {
            return memory.get(U32, offset);
        } catch (InternalError e) {
            throw gone(gpa, e);
        }
    }

    public long u64(long gpa) {
        long offset = offset(gpa, 8);
        try {
            return memory.get(U64, offset);
        } catch (InternalError e) {
            throw gone(gpa, e);
        }
    }

    /** Fills the whole segment from consecutive addresses. */
    public void read(long gpa, MemorySegment to) {
        long offset = offset(gpa, to.byteSize());
        try {
            MemorySegment.copy(memory, offset, to, 0, to.byteSize());
        } catch (InternalError e) {
            throw gone(gpa, e);
        }
    }

    /**
     * The memory itself, not a copy: it changes as the guest runs. Whoever reads it sees {@link InternalError} when the
     * file got shorter; {@link #read} turns that into a fault.
     */
    public MemorySegment slice(long gpa, long length) {
        return memory.asSlice(offset(gpa, length), length);
    }

    private long offset(long gpa, long length) {
        long offset = layout.fileOffset(gpa, length);
        if (offset < 0) {
            throw new GuestFault(
                    Reason.OUTSIDE, "Physical address " + hex(gpa) + " + " + length + " bytes is not RAM of " + name);
        }
        if (frames != null) {
            for (long frame = gpa & -PAGE_BYTES; frame < gpa + length; frame += PAGE_BYTES) {
                frames.accept(frame);
            }
        }
        return offset;
    }

    /**
     * The JVM turns SIGBUS of a mapped file into an InternalError (Unsafe's contract for mapped memory). Compiled code may throw
     * it at a later safepoint, outside of our blocks: runtime and tracking therefore look for it once more.
     */
    private GuestFault gone(long gpa, InternalError cause) {
        return new GuestFault(
                Reason.GONE, "RAM file " + name + " has nothing at physical address " + hex(gpa) + " any more", cause);
    }

    @Override
    public void close() {
        if (arena != null) {
            arena.close();
        }
    }
}
