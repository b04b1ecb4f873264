package io.decamp.testkit.load;

import io.decamp.testkit.RedisValues;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

/** One connection: requests go out in order, answers come back in order. One thread sends, one receives. */
final class LoadConnection implements AutoCloseable {
    /** Requests that may be without an answer: a server that is this far behind does not serve the load. */
    private static final int IN_FLIGHT = 1 << 12;

    private static final int IN_BYTES = 256 * 1024;
    private static final int SHOWN_BYTES = 60;

    /** Told of each answer. */
    interface Sink {
        void answered(LoadConnection connection, long intendedNanos, long answeredNanos) throws IOException;
    }

    private final SocketChannel channel;
    private final KeyProtocol.Codec codec;
    private final RedisValues values;
    private final ByteBuffer out;
    private final byte[] value;
    private final ByteBuffer in = ByteBuffer.allocate(IN_BYTES);
    private final long[] intended = new long[IN_FLIGHT];
    private final int[] keys = new int[IN_FLIGHT];
    private final boolean[] sets = new boolean[IN_FLIGHT];
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();
    private long wrong;

    LoadConnection(Selector selector, int port, KeyProtocol protocol, int valueBytes) throws IOException {
        codec = protocol.new Codec(valueBytes);
        values = new RedisValues(valueBytes);
        value = new byte[valueBytes];
        out = ByteBuffer.allocateDirect(codec.largestRequest());
        channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_READ, this);
    }

    void get(long intendedNanos, int key) throws IOException {
        enter(intendedNanos, key, false);
        codec.putGet(out.clear(), key);
        flush();
    }

    void set(long intendedNanos, int key, long version) throws IOException {
        enter(intendedNanos, key, true);
        values.put(value, 0, key, version);
        codec.putSet(out.clear(), key, value);
        flush();
    }

    /** Before it is sent: the answer may be faster than the sender. */
    private void enter(long intendedNanos, int key, boolean isSet) throws IOException {
        long number = sent.get();
        if (number - answered.get() == IN_FLIGHT) {
            throw new IOException("The server owes " + IN_FLIGHT + " answers on one connection");
        }
        int slot = (int) (number % IN_FLIGHT);
        intended[slot] = intendedNanos;
        keys[slot] = key;
        sets[slot] = isSet;
        sent.set(number + 1);
    }

    private void flush() throws IOException {
        out.flip();
        while (out.hasRemaining()) {
            // a full socket buffer is a server that does not keep up: time that the request waits here counts
            channel.write(out);
        }
    }

    /** @throws IOException when the server closed the connection or answers something else than it was asked */
    void receive(Sink sink) throws IOException {
        if (channel.read(in) < 0) {
            throw new EOFException("The server closed the connection");
        }
        long now = System.nanoTime();
        int begin = 0;
        while (answered.get() < sent.get()) {
            int slot = (int) (answered.get() % IN_FLIGHT);
            int wanted = codec.answerBytes(sets[slot]);
            int there = in.position() - begin;
            if (!codec.canBe(sets[slot], in.array(), begin, there)) {
                throw new IOException("The server answers " + text(begin, there));
            }
            if (there < wanted) {
                break;
            }
            if (!sets[slot] && values.version(keys[slot], in.array(), begin + codec.valueAt()) < 0) {
                wrong++;
            }
            begin += wanted;
            long since = intended[slot];
            answered.set(answered.get() + 1);
            sink.answered(this, since, now);
        }
        in.limit(in.position()).position(begin).compact();
    }

    private String text(int begin, int length) {
        return new String(in.array(), begin, Math.min(length, SHOWN_BYTES), StandardCharsets.US_ASCII).strip();
    }

    boolean isIdle() {
        return answered.get() == sent.get();
    }

    /** Values that were not what their key must hold. */
    long wrong() {
        return wrong;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
