package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.PageTransport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A file system that is full before any limit of ours is reached. */
class FullTmpfsTest {
    private static final long TMPFS_BYTES = 2 << 20;

    private TransferFixture nodes;
    private Path small;
    private boolean mounted;

    @BeforeEach
    void mount() throws Exception {
        nodes = new TransferFixture();
        small = Files.createDirectory(nodes.directory.resolve("small"));
        mounted = run("mount", "-t", "tmpfs", "-o", "size=" + TMPFS_BYTES, "transfer-test", small.toString()) == 0;
        if (Boolean.getBoolean("decamp.kernel.required")) {
            assertTrue(mounted, "mounting a tmpfs needs root");
        }
        assumeTrue(mounted, "mounting a tmpfs needs root");
        nodes.stop();
        nodes.start(small, TransferFixture.ROOMY);
    }

    @AfterEach
    void unmount() throws Exception {
        nodes.stop();
        if (mounted) {
            assertEquals(0, run("umount", small.toString()));
        }
        nodes.start(nodes.memory, TransferFixture.ROOMY);
        nodes.close();
    }

    @Test
    void shouldRefuseAFirstEpochThatDoesNotFitAndGiveItsMemoryBack() throws IOException {
        DecampException e = assertThrows(DecampException.class, () -> ship(nodes.open(1), 1, 1000));
        assertEquals("destination-full", e.code());
        assertTrue(e.getMessage().contains(String.valueOf(TMPFS_BYTES)), e.getMessage());
        ship(nodes.open(1), 1, 300);
        assertEquals(1, TransferFixture.page(space(), 0x10000)[0]);
    }

    @Test
    void shouldKeepTheSealedEpochWhenALaterOneDoesNotFit() throws IOException {
        ship(nodes.open(1), 1, 200);
        DecampException e = assertThrows(DecampException.class, () -> ship(nodes.open(1), 2, 1000));
        assertEquals("destination-full", e.code());
        assertEquals(1, TransferFixture.page(space(), 0x10000)[0]);
        ship(nodes.open(1), 3, 100);
        assertEquals(3, TransferFixture.page(space(), 0x10000)[0]);
    }

    private Path space() {
        return small.resolve("replicas/runc_web/g1/space-1");
    }

    private void ship(PageTransport.Session session, long epoch, int pages) {
        try (session) {
            session.begin(epoch);
            session.send(epoch, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, pages, (int) epoch));
            session.seal(epoch, false, TransferFixture.ONE_SPACE);
        }
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
    }
}
