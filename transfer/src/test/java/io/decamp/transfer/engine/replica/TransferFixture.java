package io.decamp.transfer.engine.replica;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.port.PageTransport;
import io.decamp.testkit.Scratch;
import io.decamp.transfer.engine.send.TlsPageTransport;
import io.decamp.transfer.engine.send.TransportLimits;
import io.decamp.transfer.engine.tls.LoneMachineAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLContext;

/** Two nodes on loopback, alpha sends to beta over real TLS; everything lies in a tmpfs directory that is deleted. */
final class TransferFixture implements AutoCloseable {
    static final NodeId ALPHA = new NodeId("alpha");
    static final NodeId BETA = new NodeId("beta");
    static final WorkloadId WORKLOAD = new WorkloadId("runc:web");
    static final List<AddressSpace> ONE_SPACE = List.of(new AddressSpace(1, 1));
    static final ReplicaLimits ROOMY = new ReplicaLimits(1L << 30, 1L << 30);
    static final TransportLimits QUICK =
            new TransportLimits(Duration.ofSeconds(5), Duration.ofSeconds(15), Duration.ofSeconds(15));

    private static final class Certificates {
        static final SSLContext ALPHA_TLS;
        static final SSLContext BETA_TLS;
        static final SSLContext STRANGER_TLS;

        static {
            try {
                Path directory = temporary();
                Path other = temporary();
                LoneMachineAuthority authority = LoneMachineAuthority.open(directory);
                ALPHA_TLS = authority.contextOf(ALPHA);
                BETA_TLS = authority.contextOf(BETA);
                STRANGER_TLS = LoneMachineAuthority.open(other).contextOf(ALPHA);
                Trees.delete(directory);
                Trees.delete(other);
            } catch (IOException e) {
                throw new ExceptionInInitializerError(e);
            }
        }
    }

    final Path directory = temporary();
    final Path memory = Files.createDirectory(directory.resolve("memory"));
    final Path segmentFile = directory.resolve("segment");
    final TlsPageTransport transport = new TlsPageTransport(alphaTls(), QUICK);
    ReplicaStore store;
    PageReceiver receiver;

    TransferFixture() throws IOException {
        this(ROOMY);
    }

    TransferFixture(ReplicaLimits limits) throws IOException {
        start(memory, limits);
    }

    static Path temporary() throws IOException {
        return Scratch.onTmpfs("transfer-test-");
    }

    static SSLContext alphaTls() {
        return Certificates.ALPHA_TLS;
    }

    static SSLContext betaTls() {
        return Certificates.BETA_TLS;
    }

    /** Names alpha too, but was made by somebody else. */
    static SSLContext strangerTls() {
        return Certificates.STRANGER_TLS;
    }

    void start(Path memoryDirectory, ReplicaLimits limits) {
        store = ReplicaStore.open(memoryDirectory, limits);
        receiver = PageReceiver.start(
                BETA,
                store,
                betaTls(),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                ReceiverLimits.DEFAULT);
    }

    void stop() {
        receiver.close();
        store.close();
    }

    PageTransport.Session open(long generation) {
        return open(generation, receiver.address().getPort());
    }

    PageTransport.Session open(long generation, int port) {
        return open(generation, port, 0);
    }

    PageTransport.Session open(long generation, int port, long bytesPerSecond) {
        return transport.open(
                WORKLOAD, generation, new PageTransport.Target(ALPHA, BETA, "127.0.0.1:" + port, bytesPerSecond));
    }

    /** An epoch of pages filled with {@code fill}, sealed. */
    PageTransport.Seal ship(PageTransport.Session session, long epoch, int fill, boolean isFinal) {
        session.begin(epoch);
        session.send(epoch, FakeSegment.filled(segmentFile, 1, 0x10000, 4, fill));
        return session.seal(epoch, isFinal, ONE_SPACE);
    }

    Path replica(long generation) {
        return memory.resolve("replicas").resolve(WORKLOAD.fileName()).resolve("g" + generation);
    }

    /** What a page of the replica holds. */
    byte[] page(long generation, long space, long address) throws IOException {
        return page(replica(generation).resolve("space-" + space), address);
    }

    static byte[] page(Path file, long address) throws IOException {
        try (FileChannel from = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer page = ByteBuffer.allocate(4096);
            if (from.read(page, address) != 4096) {
                throw new IOException("short read at 0x" + Long.toHexString(address));
            }
            return page.array();
        }
    }

    @Override
    public void close() throws IOException {
        stop();
        Trees.delete(directory);
    }
}
