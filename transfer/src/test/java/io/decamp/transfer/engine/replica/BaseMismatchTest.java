package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A replica that is not what its sender thinks: changes of it are refused, and whole pages make it right again. */
class BaseMismatchTest {
    private static final long SLOW = 40_000_000;
    private static final long BASE = 0x7f0000000000L;
    private static final int PAGES = 64;

    private final byte[] memory = new byte[PAGES * 4096];

    @Test
    void shouldRefuseTheChangeAndSendThePagesWholeAfterwards() throws IOException {
        new Random(1).nextBytes(memory);
        try (TransferFixture nodes = new TransferFixture()) {
            PageTransport.Session session = nodes.open(1, nodes.receiver.address().getPort(), SLOW);
            long delta = 0;
            for (int epoch = 1; epoch <= 4; epoch++) {
                delta = ship(nodes, session, epoch).savings().getPagesDelta();
            }
            assertEquals(PAGES, delta);
            spoil(nodes, BASE + 5 * 4096);

            PageTransport.Session first = session;
            DecampException e = assertThrows(DecampException.class, () -> ship(nodes, first, 5));

            assertEquals("page-base-mismatch", e.code());
            session = nodes.open(1, nodes.receiver.address().getPort(), SLOW);
            assertEquals(4, session.lastSealedEpoch());
            for (int epoch = 5; epoch <= 8; epoch++) {
                assertEquals(0, ship(nodes, session, epoch).savings().getPagesDelta());
            }
            for (int page = 0; page < PAGES; page++) {
                byte[] expected = java.util.Arrays.copyOfRange(memory, page * 4096, (page + 1) * 4096);
                assertArrayEquals(expected, nodes.page(1, 1, BASE + page * 4096L), "page " + page);
            }
            session.close();
        }
    }

    @Test
    void shouldSendAFewPercentOfAPageInWhichAByteHasChanged() throws IOException {
        new Random(1).nextBytes(memory);
        try (TransferFixture nodes = new TransferFixture()) {
            PageTransport.Session session = nodes.open(1, nodes.receiver.address().getPort(), SLOW);
            for (int epoch = 1; epoch <= 3; epoch++) {
                ship(nodes, session, epoch);
            }
            PageTransport.Seal seal = ship(nodes, session, 4);
            assertTrue(seal.wireBytes() < memory.length / 20, seal.wireBytes() + " bytes");

            // nothing has changed: only the frames around it
            session.begin(5);
            session.send(5, segment(nodes));
            PageTransport.Seal nothing = session.seal(5, false, TransferFixture.ONE_SPACE);
            assertEquals(PAGES, nothing.savings().getPagesUnchanged());
            assertTrue(nothing.wireBytes() < 1000, nothing.wireBytes() + " bytes");
            session.close();
        }
    }

    private PageTransport.Seal ship(TransferFixture nodes, PageTransport.Session session, int epoch) {
        for (int page = 0; page < PAGES; page++) {
            memory[page * 4096 + 11 * epoch]++;
        }
        session.begin(epoch);
        session.send(epoch, segment(nodes));
        return session.seal(epoch, false, TransferFixture.ONE_SPACE);
    }

    private FakeSegment segment(TransferFixture nodes) {
        PageRuns runs = new PageRuns();
        runs.add(1, BASE, PAGES, PageSource.BYTES);
        return FakeSegment.of(nodes.segmentFile, runs, memory);
    }

    private static void spoil(TransferFixture nodes, long address) throws IOException {
        try (FileChannel file =
                FileChannel.open(nodes.replica(1).resolve("space-1"), StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), address);
        }
    }
}
