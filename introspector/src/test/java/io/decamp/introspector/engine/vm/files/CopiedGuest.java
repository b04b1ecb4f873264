package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestRam;
import io.decamp.introspector.engine.vm.guest.MemoryLayout;
import io.decamp.introspector.engine.vm.guest.QemuMemory;
import io.decamp.introspector.engine.vm.guest.VmcoreInfo;
import io.decamp.introspector.engine.vm.guest.WatchedRam;
import io.decamp.linux.qemu.Qmp;
import io.decamp.testkit.Command;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListSet;

/** A guest's memory as it was at one moment, which a test may damage where a reader has looked. */
final class CopiedGuest implements AutoCloseable {
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int WORDS = GuestRam.PAGE_BYTES / Long.BYTES;
    private static final long[] NASTY = {
        0, 1, -1, 3, 0xfff, Long.MIN_VALUE, Long.MAX_VALUE, 0xffff_ffff_8000_0000L, 0x7fff_ffff_f000L, 1L << 30
    };

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final Set<Long> looked = new ConcurrentSkipListSet<>();
    private final Map<Long, MemorySegment> whole = new TreeMap<>();
    private final GuestRam ram;
    final GuestKernel kernel;

    /** @param ramFile of the guest, which stands still meanwhile */
    CopiedGuest(Qmp qmp, Path ramFile) throws IOException {
        MemoryLayout layout = QemuMemory.layout(qmp, null);
        VmcoreInfo info = QemuMemory.vmcoreInfo(qmp);
        file = ramFile.resolveSibling(ramFile.getFileName() + ".copy");
        Command.run("cp", "--sparse=always", ramFile.toString(), file.toString()).check();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size(), arena);
        }
        ram = WatchedRam.open(file, layout, looked::add);
        kernel = GuestKernel.attach(ram, info);
    }

    /** Remembers the pages that this looks at: they are what {@link #damage} acts on. */
    void watch(Runnable reading) {
        looked.clear();
        reading.run();
        for (long frame : looked) {
            long offset = ram.fileOffset(frame);
            whole.put(
                    offset,
                    MemorySegment.ofArray(memory.asSlice(offset, GuestRam.PAGE_BYTES).toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    int pages() {
        return whole.size();
    }

    void damage(Random random, int words) {
        Long[] pages = whole.keySet().toArray(Long[]::new);
        for (int left = words; left > 0; left--) {
            long at = word(random, pages);
            long old = memory.get(WORD, at);
            memory.set(WORD, at, switch (random.nextInt(4)) {
                case 0 -> NASTY[random.nextInt(NASTY.length)];
                case 1 -> old ^ 1L << random.nextInt(Long.SIZE);
                // a pointer to something else: circles, and objects of the wrong type
                case 2 -> memory.get(WORD, word(random, pages));
                default -> old + 8L * random.nextInt(512);
            });
        }
    }

    private static long word(Random random, Long[] pages) {
        return pages[random.nextInt(pages.length)] + (long) random.nextInt(WORDS) * Long.BYTES;
    }

    void repair() {
        whole.forEach((offset, page) -> memory.asSlice(offset, GuestRam.PAGE_BYTES).copyFrom(page));
    }

    @Override
    public void close() throws IOException {
        kernel.close();
        arena.close();
        Files.delete(file);
    }
}
