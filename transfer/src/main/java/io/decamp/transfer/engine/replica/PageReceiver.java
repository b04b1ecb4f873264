package io.decamp.transfer.engine.replica;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jboss.logging.Logger;

/**
 * Accepts page streams and keeps what they bring in a {@link ReplicaStore}: a thread for each connection. Thread safe.
 */
public final class PageReceiver implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(PageReceiver.class);

    /** How long closing waits for connections to end; one may be applying an epoch. */
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    private final NodeId node;
    private final ReplicaStore store;
    private final SSLContext tls;
    private final ReceiverLimits limits;
    private final ServerSocketChannel listener;
    private final Set<ReceiveConnection> connections = new HashSet<>();
    private boolean closed;

    private PageReceiver(
            NodeId node, ReplicaStore store, SSLContext tls, ReceiverLimits limits, ServerSocketChannel listener) {
        this.node = node;
        this.store = store;
        this.tls = tls;
        this.limits = limits;
        this.listener = listener;
    }

    /**
     * Listens on {@code address} as {@code node}.
     *
     * @param tls holds the node's certificate and the authorities it trusts
     * @throws DecampException {@code cannot-listen}
     */
    public static PageReceiver start(
            NodeId node, ReplicaStore store, SSLContext tls, InetSocketAddress address, ReceiverLimits limits) {
        if (tls == null) {
            throw new IllegalArgumentException("A page stream needs TLS");
        }
        return listen(node, store, tls, address, limits);
    }

    /** Without any protection, to measure what TLS costs. */
    public static PageReceiver startPlainForBenchmarks(
            NodeId node, ReplicaStore store, InetSocketAddress address, ReceiverLimits limits) {
        return listen(node, store, null, address, limits);
    }

    private static PageReceiver listen(
            NodeId node, ReplicaStore store, SSLContext tls, InetSocketAddress address, ReceiverLimits limits) {
        try {
            ServerSocketChannel listener = ServerSocketChannel.open();
            try {
                listener.bind(address);
            } catch (IOException e) {
                listener.close();
                throw e;
            }
            PageReceiver receiver = new PageReceiver(node, store, tls, limits, listener);
            Thread.ofPlatform().name("page-accept").daemon().start(receiver::acceptAll);
            return receiver;
        } catch (IOException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "cannot-listen",
                    "Cannot listen for page streams on " + address,
                    "Choose another address or end whoever uses it",
                    e);
        }
    }

    /** Where it listens; tells the port when 0 was asked for. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.socket().getLocalSocketAddress();
    }

    private void acceptAll() {
        while (listener.isOpen()) {
            try {
                admit(listener.accept());
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.error("Cannot accept a page stream", e);
                if (waitForAnEnd()) {
                    return;
                }
            }
        }
    }

    /** Accepting fails for want of descriptors, of which there are more when a connection ends. */
    private synchronized boolean waitForAnEnd() {
        try {
            if (!closed) {
                wait(TimeUnit.SECONDS.toMillis(1));
            }
            return closed;
        } catch (InterruptedException e) {
            return true;
        }
    }

    private synchronized void admit(SocketChannel channel) throws IOException {
        if (closed || connections.size() >= limits.connections()) {
            LOG.warnf("Page stream from %s closed: %d are open, which is the limit", channel.getRemoteAddress(), connections.size());
            channel.close();
            return;
        }
        ReceiveConnection connection = new ReceiveConnection(node, store, tls, limits, channel);
        connections.add(connection);
        Thread.ofPlatform().name("page-receive").daemon().start(() -> {
            try {
                connection.run();
            } finally {
                ended(connection);
            }
        });
    }

    private synchronized void ended(ReceiveConnection connection) {
        connections.remove(connection);
        notifyAll();
    }

    /** Ends all connections and waits for them; what was half received is forgotten. */
    @Override
    public synchronized void close() {
        closed = true;
        try {
            listener.close();
        } catch (IOException e) {
            LOG.warn("Cannot close the listener of page streams", e);
        }
        long deadline = System.nanoTime() + CLOSE_PATIENCE.toNanos();
        while (!connections.isEmpty()) {
            connections.forEach(ReceiveConnection::end);
            long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0) {
                throw DecampException.retry(
                        "receiver-busy", connections.size() + " page streams did not end", "Close again", null);
            }
            try {
                wait(leftMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw DecampException.retry("receiver-busy", "Interrupted while page streams end", "Close again", e);
            }
        }
    }
}
