package io.decamp.linux.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SparseFileTest {
    private static final long SIZE = 1L << 47;
    private static final long FAR = 0x7ffff0000000L;

    private Path path;
    private SparseFile file;

    @BeforeEach
    void open() throws IOException {
        assumeTrue(Files.isWritable(Path.of("/dev/shm")), "needs a tmpfs at /dev/shm");
        path = Files.createTempFile(Path.of("/dev/shm"), "sparse-file-test-", "");
        Files.delete(path);
        file = SparseFile.open(path, SIZE);
    }

    @AfterEach
    void close() throws IOException {
        file.close();
        Files.deleteIfExists(path);
    }

    @Test
    void shouldBeLargeAndTakeNothing() throws IOException {
        assertEquals(SIZE, Files.size(path));
        assertEquals(0, file.allocatedBytes());
    }

    @Test
    void shouldReserveMemoryThatReadsAsZerosAndKeepsWhatIsThere() throws IOException {
        file.channel().write(ByteBuffer.wrap(new byte[] {7}), FAR + 4096);
        file.reserve(FAR, 3 * 4096);
        assertEquals(3 * 4096, file.allocatedBytes());
        assertEquals(0, read(FAR));
        assertEquals(7, read(FAR + 4096));
    }

    @Test
    void shouldGiveMemoryBackWhereAHoleIsPunched() throws IOException {
        file.channel().write(ByteBuffer.wrap(new byte[] {7}), FAR);
        file.punchHole(FAR, 4096);
        assertEquals(0, file.allocatedBytes());
        assertEquals(0, read(FAR));
        assertEquals(SIZE, Files.size(path));
    }

    @Test
    void shouldNameRangeAndErrnoOfARefusedCall() {
        FileSystemException e = assertThrows(FileSystemException.class, () -> file.reserve(-4096, 4096));
        assertEquals(path + ": reserve at 0xfffffffffffff000 + 4096 bytes: errno 22", e.getMessage());
    }

    @Test
    void shouldKeepTheSizeOfAFileThatIsThere() throws IOException {
        SparseFile.open(path, 4096).close();
        assertEquals(SIZE, Files.size(path));
    }

    private byte read(long at) throws IOException {
        ByteBuffer one = ByteBuffer.allocate(1);
        assertEquals(1, file.channel().read(one, at));
        return one.get(0);
    }
}
