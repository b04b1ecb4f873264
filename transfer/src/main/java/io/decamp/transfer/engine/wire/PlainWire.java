package io.decamp.transfer.engine.wire;

import io.decamp.linux.socket.TcpConnection;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import jdk.net.ExtendedSocketOptions;
import org.jboss.logging.Logger;

/** A TCP connection without protection: for benchmarks, and underneath {@link TlsWire}. */
public final class PlainWire implements Wire {
    /** A peer that takes nothing for so long is gone. */
    static final Duration WRITE_PATIENCE = Duration.ofSeconds(30);

    /** A host that has vanished is noticed after idle + interval * probes seconds. */
    private static final int KEEPALIVE_IDLE_SECONDS = 10;

    private static final int KEEPALIVE_INTERVAL_SECONDS = 5;
    private static final int KEEPALIVE_PROBES = 3;

    private static final Logger LOG = Logger.getLogger(PlainWire.class);

    private final SocketChannel channel;
    private final Selector selector;
    private final SelectionKey key;
    private volatile TcpConnection kernelView;
    private boolean sought;
    private long bytesOut;

    /** @param channel connected; owned by this wire from now on, also when this constructor throws */
    public PlainWire(SocketChannel channel) throws IOException {
        this.channel = channel;
        Selector opened = null;
        try {
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            channel.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS);
            channel.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEPALIVE_INTERVAL_SECONDS);
            channel.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, KEEPALIVE_PROBES);
            opened = Selector.open();
            selector = opened;
            key = channel.register(selector, 0);
        } catch (IOException e) {
            channel.close();
            if (opened != null) {
                opened.close();
            }
            throw e;
        }
    }

    @Override
    public void write(ByteBuffer[] buffers, int count) throws IOException {
        int first = 0;
        while (true) {
            while (first < count && !buffers[first].hasRemaining()) {
                first++;
            }
            if (first == count) {
                return;
            }
            long n = channel.write(buffers, first, count - first);
            bytesOut += n;
            if (n == 0) {
                await(SelectionKey.OP_WRITE, WRITE_PATIENCE, "the peer to take what was sent");
            }
        }
    }

    void write(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            int n = channel.write(buffer);
            bytesOut += n;
            if (n == 0) {
                await(SelectionKey.OP_WRITE, WRITE_PATIENCE, "the peer to take what was sent");
            }
        }
    }

    @Override
    public void flush() {}

    @Override
    public int read(ByteBuffer into, Duration patience) throws IOException {
        while (true) {
            int n = channel.read(into);
            if (n != 0) {
                return n;
            }
            await(SelectionKey.OP_READ, patience, "the peer's next bytes");
        }
    }

    @Override
    public int poll(ByteBuffer into) throws IOException {
        return channel.read(into);
    }

    private void await(int operation, Duration patience, String what) throws IOException {
        try {
            key.interestOps(operation);
            long deadline = System.nanoTime() + patience.toNanos();
            while (true) {
                long leftMillis = (deadline - System.nanoTime() + 999_999) / 1_000_000;
                if (leftMillis <= 0) {
                    throw new WireTimeoutException(what, patience);
                }
                int ready = selector.select(leftMillis);
                selector.selectedKeys().clear();
                if (!channel.isOpen()) {
                    throw new ClosedChannelException();
                }
                if (ready > 0) {
                    return;
                }
                if (Thread.interrupted()) {
                    throw new IOException("interrupted while waiting for " + what);
                }
            }
        } catch (ClosedSelectorException | java.nio.channels.CancelledKeyException e) {
            throw new ClosedChannelException();
        }
    }

    @Override
    public void endOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public long bytesOut() {
        return bytesOut;
    }

    @Override
    public boolean read(TcpConnection.Reading into) {
        if (!sought) {
            sought = true;
            seek();
        }
        TcpConnection found = kernelView;
        return found != null && found.read(into);
    }

    private void seek() {
        try {
            TcpConnection found = TcpConnection.find(
                            (InetSocketAddress) channel.getLocalAddress(),
                            (InetSocketAddress) channel.getRemoteAddress())
                    .orElse(null);
            kernelView = found;
            if (found == null) {
                LOG.info("The kernel does not tell how busy a page stream is: the rate of its link stays unknown");
            } else if (!channel.isOpen()) {
                found.close();
            }
        } catch (IOException e) {
            LOG.debug("A page stream was closed before it was looked at", e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
            TcpConnection found = kernelView;
            if (found != null) {
                found.close();
            }
            selector.wakeup();
            selector.close();
        } catch (IOException e) {
            LOG.debug("Cannot close a page stream; its descriptor is gone either way", e);
        }
    }
}
