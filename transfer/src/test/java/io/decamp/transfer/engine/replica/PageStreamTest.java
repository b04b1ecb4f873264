package io.decamp.transfer.engine.replica;

import static io.decamp.transfer.engine.replica.TransferFixture.ALPHA;
import static io.decamp.transfer.engine.replica.TransferFixture.BETA;
import static io.decamp.transfer.engine.replica.TransferFixture.ONE_SPACE;
import static io.decamp.transfer.engine.replica.TransferFixture.QUICK;
import static io.decamp.transfer.engine.replica.TransferFixture.WORKLOAD;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.file.SparseFile;
import io.decamp.transfer.engine.send.TlsPageTransport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sender and receiver together, over loopback and real TLS. */
class PageStreamTest {
    private TransferFixture nodes;

    @BeforeEach
    void start() throws IOException {
        nodes = new TransferFixture();
    }

    @AfterEach
    void stop() throws IOException {
        nodes.close();
    }

    @Test
    void shouldHandOutTheReplicaOnceItsFinalEpochIsSealed() throws IOException {
        Path part = Files.write(nodes.directory.resolve("core"), new byte[] {1, 2, 3});
        PageTransport.Seal seal;
        try (PageTransport.Session session = nodes.open(7)) {
            nodes.ship(session, 1, 5, false);
            assertEquals(Optional.empty(), nodes.store.sealed(WORKLOAD, 7));
            assertEquals(
                    ONE_SPACE, nodes.store.standing(WORKLOAD, 7).orElseThrow().spaces());
            session.begin(2);
            session.sendPart(2, "core-1.img", part);
            session.sendPart(2, "fs/empty", Files.createFile(nodes.directory.resolve("empty")));
            seal = session.seal(2, true, ONE_SPACE);
        }

        SealedReplica replica = nodes.store.sealed(WORKLOAD, 7).orElseThrow();

        assertEquals(2, replica.epoch());
        assertArrayEquals(seal.digest(), replica.digest());
        assertEquals(ONE_SPACE, replica.spaces());
        assertEquals(seal.parts(), replica.parts());
        assertArrayEquals(new byte[] {1, 2, 3}, Files.readAllBytes(replica.partsDirectory().resolve("core-1.img")));
        assertEquals(0, Files.size(replica.partsDirectory().resolve("fs/empty")));
        assertEquals(5, TransferFixture.page(replica.spaceFile(1), 0x13000)[4095]);
        assertEquals(1L << 47, Files.size(replica.spaceFile(1)));
        assertTrue(nodes.store.sealed(WORKLOAD, new Digest(seal.digest())).isPresent());
    }

    @Test
    void shouldGiveMemoryBackThoughSomebodyHasTheFilesOpen() throws IOException {
        try (PageTransport.Session session = nodes.open(7)) {
            nodes.ship(session, 1, 5, false);
        }
        Path space = nodes.store.standing(WORKLOAD, 7).orElseThrow().spaceFile(1);
        // as a VM that was given it as a disk
        try (SparseFile disk = SparseFile.open(space, 0)) {
            assertTrue(disk.allocatedBytes() > 0);

            nodes.store.dropAll(WORKLOAD);

            assertFalse(Files.exists(space));
            assertEquals(0, disk.allocatedBytes());
        }
        assertEquals(Optional.empty(), nodes.store.standing(WORKLOAD, 7));
    }

    @Test
    void shouldSendLargeUnevenPartsWhole() throws IOException {
        byte[] bytes = new byte[3_333_333];
        new Random(1).nextBytes(bytes);
        Path part = Files.write(nodes.directory.resolve("pages"), bytes);
        try (PageTransport.Session session = nodes.open(1)) {
            session.begin(1);
            session.sendPart(1, "pages-1.img", part);
            session.seal(1, true, List.of());
        }
        assertArrayEquals(bytes, Files.readAllBytes(nodes.replica(1).resolve("parts/pages-1.img")));
    }

    @Test
    void shouldApplyZeroAndSameAsInTheOrderTheyWereSent() throws IOException {
        List<AddressSpace> both = List.of(new AddressSpace(1, 1), new AddressSpace(2, 9));
        try (PageTransport.Session session = nodes.open(1)) {
            session.begin(1);
            session.send(1, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, 3, 7));
            session.seal(1, false, ONE_SPACE);
            PageRuns runs = new PageRuns();
            runs.add(2, 0x10000, 3, PageSource.SAME_AS, 1);
            runs.add(1, 0x11000, 1, PageSource.ZERO);
            runs.add(1, 0x12000, 1, PageSource.BYTES);
            byte[] nines = new byte[4096];
            Arrays.fill(nines, (byte) 9);
            session.begin(2);
            session.send(2, FakeSegment.of(nodes.segmentFile, runs, nines));
            session.seal(2, false, both);
        }
        assertEquals(7, nodes.page(1, 1, 0x10000)[0]);
        assertEquals(0, nodes.page(1, 1, 0x11000)[0]);
        assertEquals(9, nodes.page(1, 1, 0x12000)[0]);
        for (long address = 0x10000; address < 0x13000; address += 4096) {
            assertEquals(7, nodes.page(1, 2, address)[4095]);
        }
        try (SparseFile file = SparseFile.open(nodes.replica(1).resolve("space-1"), 0)) {
            assertEquals(2 * 4096, file.allocatedBytes());
        }
    }

    @Test
    void shouldDropSpacesThatTheSealDoesNotListAndRefuseTheirIdsForEver() throws IOException {
        try (PageTransport.Session session = nodes.open(1)) {
            nodes.ship(session, 1, 1, false);
            session.begin(2);
            session.send(2, FakeSegment.filled(nodes.segmentFile, 2, 0x10000, 1, 7));
            session.seal(2, false, List.of(new AddressSpace(2, 1)));
        }
        assertFalse(Files.exists(nodes.replica(1).resolve("space-1")));
        nodes.stop();
        nodes.start(nodes.memory, TransferFixture.ROOMY);

        DecampException e = assertThrows(DecampException.class, () -> nodes.ship(nodes.open(1), 3, 1, false));

        assertEquals("space-reused", e.code());
    }

    @Test
    void shouldForgetAHalfReceivedEpochAndKeepTheSealedOne() throws IOException {
        try (PageTransport.Session session = nodes.open(1)) {
            nodes.ship(session, 1, 5, true);
            session.begin(2);
            session.send(2, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, 4, 6));
            session.send(2, FakeSegment.filled(nodes.segmentFile, 3, 0x10000, 4, 6));
        }
        try (PageTransport.Session again = nodes.open(1)) {
            assertEquals(1, again.lastSealedEpoch());
            assertEquals(5, nodes.page(1, 1, 0x10000)[0]);
            assertFalse(Files.exists(nodes.replica(1).resolve("space-3")));
            assertEquals(1, nodes.store.sealed(WORKLOAD, 1).orElseThrow().epoch());
            nodes.ship(again, 3, 8, false);
        }
        assertEquals(8, nodes.page(1, 1, 0x10000)[0]);
    }

    @Test
    void shouldBeginAnEpochAnewOnTheSameConnection() throws IOException {
        try (PageTransport.Session session = nodes.open(1)) {
            session.begin(1);
            session.send(1, FakeSegment.filled(nodes.segmentFile, 1, 0x50000, 4, 6));
            nodes.ship(session, 1, 5, false);
        }
        assertEquals(5, nodes.page(1, 1, 0x10000)[0]);
        assertEquals(0, nodes.page(1, 1, 0x50000)[0]);
    }

    @Test
    void shouldRefuseAnOlderGenerationAlsoAfterARestartAndADrop() {
        nodes.open(9).close();
        nodes.store.drop(WORKLOAD, 9);
        nodes.stop();
        nodes.start(nodes.memory, TransferFixture.ROOMY);

        DecampException e = assertThrows(DecampException.class, () -> nodes.open(8));

        assertEquals("generation-stale", e.code());
        assertTrue(e.getMessage().contains("8") && e.getMessage().contains("9"), e.getMessage());
    }

    @Test
    void shouldDropAnOlderReplicaOnceANewerOneIsSealedUnlessItIsFinal() {
        nodes.ship(nodes.open(1), 1, 1, true);
        nodes.ship(nodes.open(2), 1, 1, false);
        nodes.ship(nodes.open(3), 1, 1, false);
        assertTrue(Files.exists(nodes.replica(1)));
        assertFalse(Files.exists(nodes.replica(2)));
        assertTrue(Files.exists(nodes.replica(3)));
    }

    @Test
    void shouldFindWhatIsSealedAfterARestart() throws IOException {
        PageTransport.Seal seal = nodes.ship(nodes.open(1), 4, 5, true);
        nodes.stop();
        nodes.start(nodes.memory, TransferFixture.ROOMY);
        assertArrayEquals(seal.digest(), nodes.store.sealed(WORKLOAD, 1).orElseThrow().digest());
        try (PageTransport.Session session = nodes.open(1)) {
            assertEquals(4, session.lastSealedEpoch());
        }
    }

    @Test
    void shouldLetASecondConnectionTakeOver() throws IOException {
        try (PageTransport.Session first = nodes.open(1)) {
            first.begin(1);
            first.send(1, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, 4, 6));
            try (PageTransport.Session second = nodes.open(1)) {
                nodes.ship(second, 1, 5, false);
                DecampException e = assertThrows(DecampException.class, () -> first.seal(1, false, ONE_SPACE));
                assertEquals("connection-lost", e.code());
            }
        }
        assertEquals(5, nodes.page(1, 1, 0x10000)[0]);
    }

    @Test
    void shouldGiveAllMemoryBackWhenDropped() {
        nodes.ship(nodes.open(1), 1, 1, true);
        long before = nodes.store.freeBytes();
        nodes.store.drop(WORKLOAD, 1);
        assertFalse(Files.exists(nodes.replica(1)));
        assertTrue(nodes.store.freeBytes() > before);
        assertEquals(TransferFixture.ROOMY.nodeBytes(), nodes.store.freeBytes());
        assertEquals(Optional.empty(), nodes.store.sealed(WORKLOAD, 1));
    }

    @Test
    void shouldRefuseWithBothNumbersWhenTheLimitIsReachedAndKeepTheSealedEpoch() throws IOException {
        nodes.stop();
        nodes.start(nodes.memory, new ReplicaLimits(1 << 20, 1 << 19));
        PageTransport.Session session = nodes.open(1);
        nodes.ship(session, 1, 5, true);
        session.begin(2);

        DecampException e = assertThrows(DecampException.class, () -> {
            session.send(2, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, 2000, 6));
            session.seal(2, false, ONE_SPACE);
        });

        assertEquals("destination-full", e.code());
        assertTrue(e.getMessage().contains(String.valueOf(1 << 19)), e.getMessage());
        assertEquals(5, nodes.page(1, 1, 0x10000)[0]);
        assertEquals(1, nodes.store.sealed(WORKLOAD, 1).orElseThrow().epoch());
    }

    @Test
    void shouldNotCountPagesThatAreSentAgainAgainstTheLimit() {
        nodes.stop();
        nodes.start(nodes.memory, new ReplicaLimits(1 << 20, 1 << 18));
        try (PageTransport.Session session = nodes.open(1)) {
            for (int epoch = 1; epoch <= 40; epoch++) {
                nodes.ship(session, epoch, epoch, false);
            }
            assertEquals(40, session.lastSealedEpoch());
        }
    }

    @Test
    void shouldMakeRoomForANewerGenerationByDroppingTheOlder() throws IOException {
        nodes.stop();
        nodes.start(nodes.memory, new ReplicaLimits(1 << 20, 1 << 20));
        for (int generation = 1; generation <= 3; generation++) {
            try (PageTransport.Session session = nodes.open(generation)) {
                session.begin(1);
                session.send(1, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, 150, generation));
                session.seal(1, false, ONE_SPACE);
            }
        }
        assertEquals(3, nodes.page(3, 1, 0x10000)[0]);
    }

    @Test
    void shouldRefuseASenderWhoseCertificateNamesAnotherNode() {
        TlsPageTransport liar = new TlsPageTransport(TransferFixture.alphaTls(), QUICK);
        DecampException e = assertThrows(
                DecampException.class, () -> liar.open(WORKLOAD, 1, target(new NodeId("gamma"), BETA)));
        assertEquals("peer-not-trusted", e.code());
        assertTrue(e.getMessage().contains("gamma"), e.getMessage());
    }

    @Test
    void shouldRefuseADestinationWhoseCertificateNamesAnotherNode() {
        TlsPageTransport transport = new TlsPageTransport(TransferFixture.alphaTls(), QUICK);
        DecampException e = assertThrows(
                DecampException.class, () -> transport.open(WORKLOAD, 1, target(ALPHA, new NodeId("gamma"))));
        assertEquals("peer-not-trusted", e.code());
    }

    @Test
    void shouldRefuseACertificateOfAnotherAuthority() {
        TlsPageTransport stranger = new TlsPageTransport(TransferFixture.strangerTls(), QUICK);
        DecampException e = assertThrows(DecampException.class, () -> stranger.open(WORKLOAD, 1, target(ALPHA, BETA)));
        assertEquals("peer-not-trusted", e.code());
    }

    @Test
    void shouldSayThatNobodyListens() {
        int port = nodes.receiver.address().getPort();
        nodes.receiver.close();
        DecampException e = assertThrows(DecampException.class, () -> nodes.open(1, port));
        assertEquals("destination-unreachable", e.code());
    }

    @Test
    void shouldAcceptHintsAndReserveMemoryForThem() throws IOException {
        PageRuns runs = new PageRuns();
        for (int i = 0; i < 30_000; i++) {
            runs.add(1, 0x100000 + i * 0x2000L, 1, i % 3 == 0 ? PageSource.ZERO : PageSource.BYTES);
        }
        try (PageTransport.Session session = nodes.open(1)) {
            session.begin(1);
            session.prepare(1, runs);
            session.send(1, FakeSegment.filled(nodes.segmentFile, 1, 0x102000, 1, 6));
            session.seal(1, false, ONE_SPACE);
        }
        assertEquals(6, nodes.page(1, 1, 0x102000)[0]);
        assertEquals(0, nodes.page(1, 1, 0x104000)[0]);
    }

    @Test
    void shouldCountTheBytesOnTheWire() {
        try (PageTransport.Session session = nodes.open(1)) {
            session.begin(1);
            long bytes = session.send(1, FakeSegment.filled(nodes.segmentFile, 1, 0x10000, 256, 6));
            assertTrue(bytes > 256 * 4096 && bytes < 256 * 4096 * 1.01, "bytes on the wire: " + bytes);
            assertTrue(session.seal(1, false, ONE_SPACE).wireBytes() > bytes);
        }
    }

    @Test
    void shouldHoldTheBandwidthCap() {
        try (PageTransport.Session session = nodes.open(1, nodes.receiver.address().getPort(), 8 << 20)) {
            session.begin(1);
            byte[] incompressible = new byte[1024 * 4096];
            new java.util.Random(1).nextBytes(incompressible);
            PageRuns runs = new PageRuns();
            runs.add(1, 0x10000, 1024, PageSource.BYTES);
            long start = System.nanoTime();
            session.send(1, FakeSegment.of(nodes.segmentFile, runs, incompressible));
            long millis = (System.nanoTime() - start) / 1_000_000;
            assertTrue(millis >= 350, "4 MiB at 8 MiB/s took " + millis + " ms");
        }
    }

    @Test
    void shouldNameAnUnreadablePart() {
        try (PageTransport.Session session = nodes.open(1)) {
            session.begin(1);
            DecampException e = assertThrows(
                    DecampException.class, () -> session.sendPart(1, "x", nodes.directory.resolve("missing")));
            assertEquals("part-unreadable", e.code());
        }
    }

    @Test
    void shouldRefusePartNamesThatLeaveTheirDirectory() throws IOException {
        Path part = Files.write(nodes.directory.resolve("core"), new byte[10]);
        for (String name : List.of("../x", "/etc/x", "a/b/c", "a/..", "..", "", "a/")) {
            DecampException e = assertThrows(DecampException.class, () -> {
                PageTransport.Session session = nodes.open(1);
                session.begin(1);
                session.sendPart(1, name, part);
                session.seal(1, true, List.of());
            });
            assertEquals("frame-malformed", e.code(), name);
        }
    }

    private PageTransport.Target target(NodeId from, NodeId to) {
        return new PageTransport.Target(
                from, to, "127.0.0.1:" + nodes.receiver.address().getPort(), 0);
    }
}
