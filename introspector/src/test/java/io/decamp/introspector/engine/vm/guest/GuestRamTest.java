package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.MemoryLayout.Range;
import io.decamp.linux.file.SparseFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class GuestRamTest {
    private static final int PAGE = GuestRam.PAGE_BYTES;
    private static final String INFO = "OSRELEASE=6.1.0-test\nNUMBER(phys_base)=0\nSYMBOL(swapper_pg_dir)=1\n"
            + "SYMBOL(kallsyms_num_syms)=2\nKERNELOFFSET=0\n";

    @TempDir
    private Path directory;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = directory.resolve("ram");
    }

    private void write(long bytes, long offset, byte[] content) throws IOException {
        try (RandomAccessFile ram = new RandomAccessFile(file.toFile(), "rw")) {
            ram.setLength(bytes);
            ram.seek(offset);
            ram.write(content);
        }
    }

    private static byte[] numbers() {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0x8182_8384_8586_8788L)
                .putLong(-2)
                .array();
    }

    @Test
    void shouldReadNumbersOfAllWidthsWhereTheLayoutPutsThem() throws IOException {
        write(2 * PAGE, PAGE + 3, numbers());
        MemoryLayout layout = MemoryLayout.of(List.of(new Range(0, PAGE, 0), new Range(1L << 32, PAGE, PAGE)));
        try (GuestRam ram = GuestRam.open(file, layout)) {
            long at = (1L << 32) + 3;
            assertEquals((byte) 0x88, ram.u8(at));
            assertEquals((short) 0x8788, ram.u16(at));
            assertEquals(0x8586_8788, ram.u32(at));
            assertEquals(0x8182_8384_8586_8788L, ram.u64(at));
            byte[] read = new byte[16];
            ram.read(at, MemorySegment.ofArray(read));
            assertArrayEquals(numbers(), read);
            assertEquals(PAGE + 3, ram.fileOffset(at));
            assertEquals(-2, ram.slice(at + 8, 8).get(GuestRam.U64, 0));
        }
    }

    @Test
    void shouldRefuseWhatIsNotRam() throws IOException {
        write(2 * PAGE, 0, numbers());
        MemoryLayout layout = MemoryLayout.of(List.of(new Range(0, PAGE, 0), new Range(1L << 32, PAGE, PAGE)));
        try (GuestRam ram = GuestRam.open(file, layout)) {
            long high = 1L << 32;
            for (long address : new long[] {PAGE, PAGE - 7, high - 1, high + PAGE - 7, -1, Long.MIN_VALUE}) {
                assertFalse(ram.contains(address, 8));
                assertEquals(Reason.OUTSIDE, assertThrows(GuestFault.class, () -> ram.u64(address)).reason());
                assertEquals(Reason.OUTSIDE, assertThrows(GuestFault.class, () -> ram.slice(address, 8)).reason());
            }
        }
    }

    @Test
    void shouldRefuseAFileThatIsTooShortOrNotThere() throws IOException {
        write(PAGE, 0, numbers());

        assertEquals(
                Reason.GONE,
                assertThrows(GuestFault.class, () -> GuestRam.open(file, MemoryLayout.flat(2 * PAGE))).reason());
        Path none = directory.resolve("none");
        assertEquals(
                Reason.GONE,
                assertThrows(GuestFault.class, () -> GuestRam.open(none, MemoryLayout.flat(PAGE))).reason());
    }

    /** Without care the JVM ends in SIGBUS. */
    @Test
    void shouldNameTheErrorWhenTheFileIsCutWhileItIsMapped() throws IOException {
        write(64 * PAGE, 0, numbers());
        try (GuestRam ram = GuestRam.open(file, MemoryLayout.flat(64 * PAGE));
                RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
            assertEquals(-2, ram.u64(8));

            cut.setLength(0);

            requireNamed(() -> ram.u64(8));
            requireNamed(() -> ram.u8(9 * PAGE));
            MemorySegment all = MemorySegment.ofArray(new byte[64 * PAGE]);
            requireNamed(() -> ram.read(0, all));
            PageTables tables = new PageTables(ram, false);
            requireNamed(() -> tables.walk(0, 0, 1 << 20, (va, entry, bytes) -> {}));
        }
    }

    /** Compiled code may throw the JVM's own error later than where it read: then those who called give it its name. */
    private static void requireNamed(Executable reading) {
        Throwable thrown = assertThrows(Throwable.class, reading);
        if (thrown instanceof GuestFault fault) {
            assertEquals(Reason.GONE, fault.reason());
        } else {
            assertInstanceOf(InternalError.class, thrown);
        }
    }

    @Test
    void shouldMapMoreThanTwoGib() throws IOException {
        long bytes = 5L << 30;
        write(bytes, bytes - 16, numbers());
        try (GuestRam ram = GuestRam.open(file, MemoryLayout.flat(bytes))) {
            assertEquals(-2, ram.u64(bytes - 8));
        }
    }

    @Test
    void shouldFindVmcoreInfoWithoutAllocatingHoles() throws IOException {
        long bytes = 1L << 30;
        write(bytes, 700L << 20, INFO.getBytes(StandardCharsets.US_ASCII));
        try (SparseFile sparse = SparseFile.open(file, bytes)) {
            long before = sparse.allocatedBytes();

            Optional<VmcoreInfo> found = VmcoreInfo.scan(file, MemoryLayout.flat(bytes), info -> true);

            assertEquals("6.1.0-test", found.orElseThrow().release());
            assertEquals(before, sparse.allocatedBytes());
            assertTrue(before < 1 << 20, "not sparse");
        }
    }

    @Test
    void shouldLookOnWhenACandidateDoesNotFit() throws IOException {
        String other = INFO.replace("6.1.0-test", "6.1.0-other");
        write(64 * PAGE, 3 * PAGE, INFO.getBytes(StandardCharsets.US_ASCII));
        write(64 * PAGE, 7 * PAGE + 24, other.getBytes(StandardCharsets.US_ASCII));
        write(64 * PAGE, 5 * PAGE, "OSRELEASE=half".getBytes(StandardCharsets.US_ASCII));
        MemoryLayout layout = MemoryLayout.flat(64 * PAGE);

        assertEquals(
                "6.1.0-other",
                VmcoreInfo.scan(file, layout, info -> info.release().endsWith("other")).orElseThrow().release());
        assertTrue(VmcoreInfo.scan(file, layout, info -> false).isEmpty());
    }
}
