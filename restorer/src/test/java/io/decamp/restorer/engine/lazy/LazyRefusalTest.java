package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.criu.PstreeEntry;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.abi.UffdAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.socket.UnixSocket;
import io.decamp.restorer.engine.image.CriuImageFile;
import io.decamp.restorer.engine.image.ImageType;
import io.decamp.restorer.engine.image.PagemapImage;
import io.decamp.restorer.engine.image.PagemapRun;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a page server refuses, and what it reports as lost; no kernel feature is needed. */
class LazyRefusalTest implements LazyPages.Listener {
    private static final WorkloadId ID = new WorkloadId("pid:1@lab");
    private static final int PID = 7;

    @TempDir
    Path base;

    private final Map<WorkloadId, DecampException> lost = new ConcurrentHashMap<>();
    private LazyPageServers servers;
    private Path images;
    private SealedReplica replica;

    @BeforeEach
    void open() throws IOException {
        servers = new LazyPageServers(base.resolve("lazy"), this);
        images = Files.createDirectory(base.resolve("images"));
        Path directory = Files.createDirectory(base.resolve("replica"));
        replica = new SealedReplica(directory, 1, 1, new byte[0], List.of(new AddressSpace(1, PID)), List.of());
        Files.write(replica.spaceFile(1), new byte[0x40000]);
        CriuImageFile.write(
                images.resolve("pstree.img"),
                ImageType.PSTREE,
                List.of(PstreeEntry.newBuilder()
                        .setPid(PID)
                        .setPpid(0)
                        .setPgid(PID)
                        .setSid(PID)
                        .build()));
        new PagemapImage(1, List.of(new PagemapRun(0x10000, 16, PagemapRun.LAZY)))
                .write(images.resolve("pagemap-" + PID + ".img"));
    }

    @AfterEach
    void close() {
        servers.destroy(ID);
        servers.close();
    }

    @Test
    void shouldRefuseBeforeTheRestoreWhenAProcessHasNoReplica() throws IOException {
        Files.delete(replica.spaceFile(1));

        DecampException refusal = assertThrows(DecampException.class, () -> servers.start(ID, replica, images));

        assertEquals("replica-incomplete", refusal.code());
        assertNothingLeft();
    }

    @Test
    void shouldRefuseImagesThatAreNone() throws IOException {
        Files.write(images.resolve("pagemap-" + PID + ".img"), new byte[] {1, 2, 3});

        DecampException refusal = assertThrows(DecampException.class, () -> servers.start(ID, replica, images));

        assertEquals("bad-image", refusal.code());
        assertNothingLeft();
    }

    @Test
    void shouldNotServeOneCopyTwice() {
        servers.start(ID, replica, images);

        DecampException refusal = assertThrows(DecampException.class, () -> servers.start(ID, replica, images));

        assertEquals("lazy-busy", refusal.code());
        assertEquals(LazyPages.State.WAITING, servers.state(ID));
    }

    @Test
    void shouldNotCountACopyAsHeldWhenCriuBrokeOff() {
        Path work = servers.start(ID, replica, images);
        UnixSocket.connect(work.resolve("lazy-pages.socket"), UnixSocket.Type.STREAM).close();

        DecampException refusal = assertThrows(DecampException.class, () -> servers.requireAttached(ID));

        assertEquals("lazy-not-attached", refusal.code());
    }

    @Test
    void shouldNotCountACopyAsHeldWhenAProcessWasNotHandedOver() {
        Path work = servers.start(ID, replica, images);
        try (UnixSocket criu = UnixSocket.connect(work.resolve("lazy-pages.socket"), UnixSocket.Type.STREAM)) {
            criu.send(number(-12));
            criu.send(number(Announcements.FINISHED));

            DecampException refusal = assertThrows(DecampException.class, () -> servers.requireAttached(ID));

            assertTrue(refusal.getMessage().contains("PID " + PID), refusal.getMessage());
        }
    }

    @Test
    void shouldRefuseAProcessThatIsNotInTheImages() {
        Path work = servers.start(ID, replica, images);
        try (UnixSocket criu = UnixSocket.connect(work.resolve("lazy-pages.socket"), UnixSocket.Type.STREAM);
                FileDescriptor descriptor = silent()) {
            criu.send(number(99));
            criu.send(new byte[1], List.of(descriptor));

            DecampException refusal = assertThrows(DecampException.class, () -> servers.requireAttached(ID));

            assertEquals("lazy-not-attached", refusal.code());
        }
    }

    @Test
    void shouldReportAForkThatDiedWithTheServer() {
        try (LazyDirectory directory = LazyDirectory.create(base.resolve("lazy/" + ID.fileName()), ID);
                UffdVault vault = new UffdVault(keepers -> directory.save(directory.saved().withKeepers(keepers)));
                FileDescriptor parent = silent()) {
            directory.linkReplica(PID, replica.spaceFile(1));
            ServedMap map = ServedMap.of(List.of(new PagemapRun(0x10000, 16, PagemapRun.LAZY)));
            try (SpaceJournal journal = SpaceJournal.create(directory.journal(1), 1, PID, map)) {
                vault.put(new UffdVault.Tag(1, 0, 0, 0), parent);
                journal.memory()
                        .set(ValueLayout.JAVA_BYTE, journal.messageOffset(0), (byte) UffdAbi.UFFD_EVENT_FORK);
            }
        }

        List<WorkloadId> served = servers.takeOver();

        assertEquals(List.of(), served);
        assertEquals("lazy-memory-lost", lost.get(ID).code());
        assertEquals(LazyPages.State.LOST, servers.state(ID));
    }

    @Test
    void shouldReportThatNothingCanBeServedWhenTheKeeperIsGone() {
        try (LazyDirectory directory = LazyDirectory.create(base.resolve("lazy/" + ID.fileName()), ID)) {
            UffdVault vault = new UffdVault(keepers -> directory.save(directory.saved().withKeepers(keepers)));
            vault.warm();
            vault.end();
        }

        servers.takeOver();

        assertEquals("lazy-keeper-died", lost.get(ID).code());
    }

    private void assertNothingLeft() throws IOException {
        try (var left = Files.list(base.resolve("lazy"))) {
            assertFalse(left.findAny().isPresent());
        }
    }

    /** Like a userfaultfd on which nothing ever happens. */
    private static FileDescriptor silent() {
        int[] pipe = FileCalls.pipe();
        return FileDescriptor.own(pipe[0], "silent");
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.nativeOrder())
                .putInt(value)
                .array();
    }

    @Override
    public void onComplete(WorkloadId id, LazyPages.Report report) {
        throw new AssertionError("nothing completes here");
    }

    @Override
    public void onLost(WorkloadId id, DecampException reason) {
        lost.put(id, reason);
    }
}
