package io.decamp.transfer.engine.replica;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands between sender and receiver and does one named harm to the bytes of the first connection that reach a mark.
 */
final class FaultyProxy implements Closeable {
    enum Fault {
        NONE,
        /** Both directions end at the mark. */
        CUT,
        /** What follows the mark is thrown away, the connection stays open for a moment and is then ended. */
        TRUNCATE,
        /** One bit at the mark is turned over. */
        FLIP_BIT,
        /** The bytes before the mark are sent twice. */
        REPLAY,
        /** Everything stands still for a while at the mark. */
        DELAY
    }

    private static final long DELAY_NANOS = 300_000_000;

    private final ServerSocket listener;
    private final InetSocketAddress to;
    private final Fault fault;
    private final long mark;
    private final boolean backwards;
    private final List<Socket> sockets = new ArrayList<>();
    private boolean armed = true;

    /** @param backwards harms what the receiver says, else what the sender says */
    FaultyProxy(InetSocketAddress to, Fault fault, long mark, boolean backwards) throws IOException {
        this.to = to;
        this.fault = fault;
        this.mark = mark;
        this.backwards = backwards;
        listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
        Thread.ofPlatform().daemon().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(to.getAddress(), to.getPort());
                boolean harm;
                synchronized (this) {
                    sockets.add(client);
                    sockets.add(server);
                    harm = armed;
                    armed = false;
                }
                pump(client, server, harm && !backwards);
                pump(server, client, harm && backwards);
            }
        } catch (IOException e) {
            assert listener.isClosed() : e;
        }
    }

    private void pump(Socket from, Socket into, boolean harm) {
        Thread.ofPlatform().daemon().start(() -> {
            try (from;
                    into) {
                copy(from.getInputStream(), into.getOutputStream(), harm);
            } catch (IOException e) {
                assert from.isClosed();
            }
        });
    }

    private void copy(InputStream in, OutputStream out, boolean harm) throws IOException {
        byte[] buffer = new byte[16 << 10];
        long passed = 0;
        boolean done = !harm;
        int n;
        while ((n = in.read(buffer)) > 0) {
            if (!done && passed + n > mark) {
                done = true;
                int at = (int) (mark - passed);
                switch (fault) {
                    case NONE -> {}
                    case CUT -> {
                        out.write(buffer, 0, at);
                        return;
                    }
                    case TRUNCATE -> {
                        out.write(buffer, 0, at);
                        LockSupport.parkNanos(DELAY_NANOS);
                        return;
                    }
                    case FLIP_BIT -> buffer[at] ^= 0x10;
                    case REPLAY -> out.write(buffer, 0, at);
                    case DELAY -> LockSupport.parkNanos(DELAY_NANOS);
                }
            }
            out.write(buffer, 0, n);
            passed += n;
        }
    }

    @Override
    public synchronized void close() throws IOException {
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
