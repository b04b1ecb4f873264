package io.decamp.linux.mem;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SharedFileTest {
    private static final long ADDRESS_SPACE_BYTES = 1L << 47;
    private static final long MIB = 1 << 20;
    private static final long BLOCK = 512;

    @Test
    void shouldMapAWindowOfAFileAsBigAsAnAddressSpace() throws Exception {
        Path path = Files.createTempFile(Path.of("/dev/shm"), "decamp-test", "");
        long at = 0x7f12_3450_0000L;
        try (SharedFile file = SharedFile.create(path, ADDRESS_SPACE_BYTES);
                MappedWindow window = file.map(at, MIB);
                MappedWindow other = file.mapReadOnly(at, MIB)) {
            window.segment().set(ValueLayout.JAVA_LONG, 4096, 4711);

            assertEquals(4711, other.segment().get(ValueLayout.JAVA_LONG, 4096));
            assertEquals(window.address() + 4096, window.addressOf(at + 4096));
            assertThrows(IndexOutOfBoundsException.class, () -> window.addressOf(at + MIB));
        } finally {
            Files.delete(path);
        }
    }

    @Test
    void shouldTakeAndGiveBackMemory() throws Exception {
        Path path = Files.createTempFile(Path.of("/dev/shm"), "decamp-test", "");
        try (SharedFile file = SharedFile.create(path, 8 * MIB);
                MappedWindow window = file.map(0, 8 * MIB)) {
            assertEquals(0, allocatedBytes(path));
            assertTrue(window.populate(0, 4 * MIB));
            assertEquals(4 * MIB, allocatedBytes(path));
            window.segment().set(ValueLayout.JAVA_LONG, 0, 4711);

            file.punchHole(0, MIB);

            assertEquals(3 * MIB, allocatedBytes(path));
            assertEquals(0, window.segment().get(ValueLayout.JAVA_LONG, 0));
        } finally {
            Files.delete(path);
        }
    }

    private static long allocatedBytes(Path path) throws Exception {
        Process stat = new ProcessBuilder("stat", "-c", "%b", path.toString()).start();
        return Long.parseLong(new String(stat.getInputStream().readAllBytes()).trim()) * BLOCK;
    }
}
