package io.decamp.transfer.engine.send;

import io.decamp.transfer.engine.wire.PlainWire;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/**
 * A program with one end of a connection: {@code PORT} throws away what comes; {@code HOST PORT} sends as fast as it can
 * and prints the rate it thinks its link has, until it is ended.
 */
public final class LinkProbe {
    private static final int CHUNK = 256 << 10;
    private static final int CHUNKS = 16;

    /** So much is sent from one line to the next. */
    static final long REPORT_BYTES = (long) CHUNKS * CHUNK;

    private LinkProbe() {}

    public static void main(String[] args) throws Exception {
        if (args.length == 1) {
            receive(Integer.parseInt(args[0]));
        } else {
            send(new InetSocketAddress(args[0], Integer.parseInt(args[1])));
        }
    }

    private static void receive(int port) throws Exception {
        try (ServerSocketChannel listener = ServerSocketChannel.open().bind(new InetSocketAddress(port))) {
            System.out.println("listening");
            try (SocketChannel from = listener.accept()) {
                ByteBuffer into = ByteBuffer.allocateDirect(1 << 20);
                while (from.read(into.clear()) >= 0) {
                    into.clear();
                }
            }
        }
    }

    private static void send(InetSocketAddress to) throws Exception {
        try (PlainWire wire = new PlainWire(SocketChannel.open(to))) {
            LinkRate rate = new LinkRate(wire::read, System::nanoTime, 0);
            ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);
            while (true) {
                rate.begin();
                for (int i = 0; i < CHUNKS; i++) {
                    rate.sample();
                    wire.write(new ByteBuffer[] {chunk.clear()}, 1);
                }
                rate.end();
                System.out.println(rate.bytesPerSecond());
            }
        }
    }
}
