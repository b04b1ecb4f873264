package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.memory.SpaceKernel.Range;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.MemoryLayout;
import io.decamp.introspector.engine.vm.guest.PageTables;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * A guest's memory with page tables in it, made by hand, and writes to it that are noted as QEMU's page tables would
 * note them. Frames below {@link #FIRST_FREE} are tables.
 */
final class FakeGuest implements Writes, PageKinds, AutoCloseable {
    static final int PAGE = 4096;
    static final int FRAMES = 4096;
    static final int FIRST_FREE = 1024;
    static final int ZERO_FRAME = 1023;

    private static final long ROOT = PAGE;
    private static final long PRESENT = 0x27;
    /** Any swap type that is no device's: what a migration leaves. */
    static final long MOVING = 0x7800_0000_0000_0000L;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    final GuestRam ram;
    final PageTables tables;
    private final Set<Integer> written = new HashSet<>();
    private final int[] stamps = new int[FRAMES];
    private int number = 1;
    private long nextTable = 2L * PAGE;
    /** The frame of an entry that leads nowhere the next time it is looked at, as in a table that was just freed. */
    int broken = -1;

    FakeGuest(Path file) {
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, (long) FRAMES * PAGE, arena);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ram = GuestRam.open(file, MemoryLayout.flat((long) FRAMES * PAGE));
        tables = new PageTables(ram, false);
        for (int frame = 0; frame < FRAMES; frame++) {
            stamps[frame] = 1;
        }
    }

    long root() {
        return ROOT;
    }

    /** A process that uses the page table at {@link #root}. */
    static final class Process implements GuestSpace {
        private final FakeGuest guest;
        final List<Range> ranges = new ArrayList<>();
        boolean alive = true;
        /** Whether the guest's kernel is just changing its mappings. */
        BooleanSupplier changing = () -> false;

        Process(FakeGuest guest) {
            this.guest = guest;
        }

        @Override
        public int pid() {
            return 7;
        }

        @Override
        public long pageTable() {
            return guest.root();
        }

        @Override
        public PrivateMappings mappings() {
            if (changing.getAsBoolean()) {
                throw new GuestFault(GuestFault.Reason.BOUND, "a mapping that overlaps the one before");
            }
            return new PrivateMappings(List.copyOf(ranges), new boolean[ranges.size()]);
        }

        @Override
        public boolean isAlive() {
            return alive;
        }

        @Override
        public boolean isUnderChange() {
            return false;
        }

        @Override
        public long[] identity() {
            return new long[] {1, 2, 3};
        }
    }

    void map(long address, int frame) {
        entry(address, (long) frame * PAGE | PRESENT);
    }

    void unmap(long address) {
        entry(address, 0);
    }

    void entry(long address, long value) {
        memory.set(ValueLayout.JAVA_LONG, table(address, 12) + (address >>> 12 & 511) * 8, value);
    }

    /** Maps 2 MiB. */
    void mapHuge(long address, int frame) {
        memory.set(
                ValueLayout.JAVA_LONG,
                table(address, 21) + (address >>> 21 & 511) * 8,
                (long) frame * PAGE | PRESENT | PageTables.HUGE);
    }

    private long table(long address, int shift) {
        long at = ROOT;
        for (int level = 39; level > shift; level -= 9) {
            long slot = at + (address >>> level & 511) * 8;
            long entry = memory.get(ValueLayout.JAVA_LONG, slot);
            if (entry == 0) {
                entry = nextTable | PRESENT;
                nextTable += PAGE;
                memory.set(ValueLayout.JAVA_LONG, slot, entry);
            }
            at = entry & PageTables.ADDRESS;
        }
        return at;
    }

    /** A write by the guest. */
    void write(int frame, long value) {
        memory.set(ValueLayout.JAVA_LONG, (long) frame * PAGE, value);
        written.add(frame);
    }

    @Override
    public int refresh() {
        number++;
        written.forEach(frame -> stamps[frame] = number);
        written.clear();
        return number;
    }

    int number() {
        return number;
    }

    @Override
    public int stamp(long page) {
        return stamps[(int) page];
    }

    @Override
    public Kind of(long entry, long bytes) {
        if (PageTables.frame(entry, bytes) == (long) broken * PAGE) {
            broken = -1;
            throw new GuestFault(GuestFault.Reason.OUTSIDE, "a table that was freed");
        }
        if ((entry & PageTables.PRESENT) == 0) {
            return Kind.IN_TRANSIT;
        }
        return PageTables.frame(entry, bytes) == (long) ZERO_FRAME * PAGE ? Kind.HOLE : Kind.FRAME;
    }

    @Override
    public boolean isAnonymous(long physical) {
        return true;
    }

    @Override
    public void close() {
        ram.close();
        arena.close();
    }
}
