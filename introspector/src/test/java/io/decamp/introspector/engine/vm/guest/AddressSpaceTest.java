package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A process of 64 MiB in pages of 4 KiB that lie in disorder, every 16th missing, in a RAM file on tmpfs. */
class AddressSpaceTest {
    private static final int PAGE = GuestRam.PAGE_BYTES;
    private static final int PAGES = 64 << 8;
    private static final long START = 0x5555_0000_0000L;
    private static final long END = START + (long) PAGES * PAGE;
    /** First frames hold page tables. */
    private static final int TABLES = 64;

    private static final long RAM_BYTES = (long) (TABLES + PAGES) * PAGE;
    private static final long SEED = 4711;
    /** What issue and docs promise is 3 GB/s on a quiet machine; less than this says that something is wrong. */
    private static final double LEAST_BYTES_PER_NANO = 0.3;

    private Path file;
    private GuestRam ram;
    private AddressSpace space;
    private byte[] expected;

    @BeforeEach
    void buildProcess() throws IOException {
        file = Files.createTempFile(Path.of("/dev/shm"), "decamp-space", ".ram");
        expected = new byte[PAGES * PAGE];
        Random random = new Random(SEED);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw");
                Arena arena = Arena.ofConfined()) {
            out.setLength(RAM_BYTES);
            MemorySegment memory = out.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, RAM_BYTES, arena);
            List<Integer> frames = new ArrayList<>();
            for (int i = 0; i < PAGES; i++) {
                frames.add(TABLES + i);
            }
            java.util.Collections.shuffle(frames, random);
            for (int i = 0; i < PAGES; i++) {
                if (i % 16 != 5) {
                    map(memory, START + (long) i * PAGE, frames.get(i));
                    byte[] page = new byte[PAGE];
                    random.nextBytes(page);
                    MemorySegment.copy(page, 0, memory, ValueLayout.JAVA_BYTE, (long) frames.get(i) * PAGE, PAGE);
                    System.arraycopy(page, 0, expected, i * PAGE, PAGE);
                }
            }
        }
        ram = GuestRam.open(file, MemoryLayout.flat(RAM_BYTES));
        space = new AddressSpace(ram, new PageTables(ram, false), PAGE);
    }

    private int tables = 2;

    private void map(MemorySegment memory, long va, int frame) {
        long table = PAGE;
        for (int shift = 39; shift > 12; shift -= 9) {
            long at = table + (va >>> shift & 511) * 8;
            long entry = memory.get(GuestRam.U64, at);
            if (entry == 0) {
                assertTrue(tables < TABLES, "tables");
                entry = (long) tables++ * PAGE | PageTables.PRESENT;
                memory.set(GuestRam.U64, at, entry);
            }
            table = entry & PageTables.ADDRESS;
        }
        memory.set(GuestRam.U64, table + (va >>> 12 & 511) * 8, (long) frame * PAGE | PageTables.PRESENT);
    }

    @AfterEach
    void removeFile() throws IOException {
        ram.close();
        Files.delete(file);
    }

    @Test
    void shouldCopyWhatHasAFrameToItsPlace() {
        byte[] copy = new byte[expected.length];

        long copied = space.copy(START, END, MemorySegment.ofArray(copy));

        assertArrayEquals(expected, copy);
        assertEquals((long) PAGES / 16 * 15 * PAGE, copied);
    }

    @Test
    void shouldReadAcrossPagesAndNameTheOneThatIsMissing() {
        byte[] read = space.bytes(START + 3 * PAGE + 100, PAGE + 50);

        assertArrayEquals(java.util.Arrays.copyOfRange(expected, 3 * PAGE + 100, 4 * PAGE + 150), read);
        GuestFault missing = assertThrows(GuestFault.class, () -> space.bytes(START + 4 * PAGE + 100, PAGE));
        assertEquals(Reason.UNMAPPED, missing.reason());
        assertTrue(missing.getMessage().contains(Long.toHexString(START + 5 * PAGE)), missing.getMessage());
        assertThrows(GuestFault.class, () -> space.bytes(-PAGE, 8));
        assertThrows(GuestFault.class, () -> space.bytes(Long.MAX_VALUE, 8));
    }

    @Test
    void shouldCopyAtTheSpeedOfMemory() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(expected.length);
            double best = 0;
            for (int round = 0; round < 20; round++) {
                long begin = System.nanoTime();
                long bytes = space.copy(START, END, to);
                best = Math.max(best, (double) bytes / (System.nanoTime() - begin));
            }
            System.out.printf("copied pages of 4 KiB at %.1f GB/s%n", best);
            assertTrue(best > LEAST_BYTES_PER_NANO, best + " GB/s");
        }
    }
}
