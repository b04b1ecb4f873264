package io.decamp.transfer.engine.wire;

import io.decamp.contracts.id.NodeId;
import io.decamp.transfer.engine.tls.LoneMachineAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.FutureTask;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** Speed of one connection over loopback: plain, TLS by this package, TLS by the JDK's socket. Not a test. */
public final class WireBenchmark {
    private static final long BYTES = 2L << 30;
    private static final int CHUNK = 256 << 10;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private WireBenchmark() {}

    interface Opener {
        Wire open(SocketChannel channel) throws IOException;
    }

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory("transfer-bench");
        LoneMachineAuthority authority = LoneMachineAuthority.open(directory);
        SSLContext a = authority.contextOf(new NodeId("alpha"));
        SSLContext b = authority.contextOf(new NodeId("beta"));
        for (int round = 0; round < 3; round++) {
            report("plain", wires(PlainWire::new, PlainWire::new));
            report("tls, engine", wires(c -> TlsWire.connect(c, a, PATIENCE), c -> TlsWire.accept(c, b, PATIENCE)));
            report("tls, socket", sockets(a, b));
        }
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private static void report(String what, long nanos) {
        System.out.printf(Locale.ROOT, "%-12s %.2f GB/s%n", what, (double) BYTES / nanos);
    }

    private static long wires(Opener client, Opener server) throws Exception {
        try (ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            FutureTask<Long> reading = new FutureTask<>(() -> {
                try (Wire wire = server.open(listener.accept())) {
                    ByteBuffer into = ByteBuffer.allocateDirect(2 << 20);
                    long n = 0;
                    while (n < BYTES) {
                        n += wire.read(into.clear(), PATIENCE);
                    }
                    return System.nanoTime();
                }
            });
            Thread.ofPlatform().start(reading);
            try (Wire wire = client.open(SocketChannel.open(listener.getLocalAddress()))) {
                ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);
                long start = System.nanoTime();
                for (long n = 0; n < BYTES; n += CHUNK) {
                    wire.write(new ByteBuffer[] {chunk.clear()}, 1);
                }
                wire.flush();
                return reading.get() - start;
            }
        }
    }

    private static long sockets(SSLContext a, SSLContext b) throws Exception {
        try (ServerSocket listener =
                b.getServerSocketFactory().createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            FutureTask<Long> reading = new FutureTask<>(() -> {
                try (SSLSocket socket = (SSLSocket) listener.accept()) {
                    socket.setEnabledCipherSuites(new String[] {"TLS_AES_128_GCM_SHA256"});
                    byte[] into = new byte[CHUNK];
                    long n = 0;
                    while (n < BYTES) {
                        n += socket.getInputStream().read(into);
                    }
                    return System.nanoTime();
                }
            });
            Thread.ofPlatform().start(reading);
            try (SSLSocket socket = (SSLSocket)
                    a.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), listener.getLocalPort())) {
                socket.setEnabledCipherSuites(new String[] {"TLS_AES_128_GCM_SHA256"});
                socket.startHandshake();
                byte[] chunk = new byte[CHUNK];
                ByteBuffer from = ByteBuffer.allocateDirect(CHUNK);
                long start = System.nanoTime();
                for (long n = 0; n < BYTES; n += CHUNK) {
                    from.clear().get(chunk);
                    socket.getOutputStream().write(chunk);
                }
                return reading.get() - start;
            }
        }
    }
}
