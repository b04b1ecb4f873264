package io.decamp.linux.socket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TcpConnectionTest {
    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void shouldCountWhatThePeersKernelHasAcknowledged(String host) throws IOException {
        try (ServerSocketChannel listener = listen(host);
                SocketChannel here = SocketChannel.open(listener.getLocalAddress());
                SocketChannel there = listener.accept();
                TcpConnection connection = find(here)) {
            TcpConnection.Reading before = reading(connection);

            here.write(ByteBuffer.allocate(5000));
            there.read(ByteBuffer.allocate(5000));

            assertEquals(5000, reading(connection).bytesAcked() - before.bytesAcked());
        }
    }

    @Test
    void shouldTellTheTwoEndsOfOneConnectionApart() throws IOException {
        try (ServerSocketChannel listener = listen("127.0.0.1");
                SocketChannel here = SocketChannel.open(listener.getLocalAddress());
                SocketChannel there = listener.accept();
                TcpConnection receiving = find(there)) {
            long before = reading(receiving).bytesAcked();

            here.write(ByteBuffer.allocate(5000));
            there.read(ByteBuffer.allocate(5000));

            assertEquals(before, reading(receiving).bytesAcked());
        }
    }

    @Test
    void shouldFindNothingWhereThereIsNoConnection() throws IOException {
        try (ServerSocketChannel listener = listen("127.0.0.1")) {
            InetSocketAddress nobody = (InetSocketAddress) listener.getLocalAddress();
            assertTrue(TcpConnection.find(nobody, nobody).isEmpty());
        }
    }

    @Test
    void shouldReadNothingAfterItIsClosedAndEndTheConnectionWithTheChannel() throws IOException {
        try (ServerSocketChannel listener = listen("127.0.0.1");
                SocketChannel there = connectAndClose(listener)) {
            assertEquals(-1, there.read(ByteBuffer.allocate(1)));
        }
    }

    /** @return the other end */
    private static SocketChannel connectAndClose(ServerSocketChannel listener) throws IOException {
        TcpConnection connection;
        SocketChannel there;
        try (SocketChannel here = SocketChannel.open(listener.getLocalAddress())) {
            there = listener.accept();
            connection = find(here);
        }
        connection.close();
        connection.close();
        assertFalse(connection.read(new TcpConnection.Reading()));
        return there;
    }

    private static ServerSocketChannel listen(String host) throws IOException {
        return ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getByName(host), 0));
    }

    private static TcpConnection find(SocketChannel channel) throws IOException {
        return TcpConnection.find(
                        (InetSocketAddress) channel.getLocalAddress(), (InetSocketAddress) channel.getRemoteAddress())
                .orElseThrow();
    }

    private static TcpConnection.Reading reading(TcpConnection connection) {
        TcpConnection.Reading reading = new TcpConnection.Reading();
        assertTrue(connection.read(reading));
        return reading;
    }
}
