package io.decamp.transfer.engine.wire;

import io.decamp.linux.socket.TcpConnection;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * A connection that carries bytes both ways. Reading and writing come from one thread; closing may come from any, and
 * ends a call that waits. Whoever waits longer than allowed gets a {@link WireTimeoutException} that says for what.
 */
public interface Wire extends Closeable {
    /** Least room that {@link #read} needs: the plaintext of one TLS record. */
    int MIN_READ_ROOM = 17 << 10;

    /**
     * Writes all of the first {@code count} buffers. Small ones share records; what is written may wait for {@link
     * #flush}.
     */
    void write(ByteBuffer[] buffers, int count) throws IOException;

    /** Hands everything written to the kernel. */
    void flush() throws IOException;

    /**
     * Reads what there is, at least one byte.
     *
     * @param into has room for {@link #MIN_READ_ROOM} at least
     * @param patience how long to wait for the first byte
     * @return bytes read, -1 when the peer has ended the stream
     */
    int read(ByteBuffer into, Duration patience) throws IOException;

    /** As {@link #read}, but returns 0 instead of waiting. */
    int poll(ByteBuffer into) throws IOException;

    /** Tells the peer that nothing more will be written; reading goes on. */
    void endOutput() throws IOException;

    /** Bytes that went out so far, with everything that TLS adds. */
    long bytesOut();

    /**
     * What the kernel has counted of this connection; from the writing thread.
     *
     * @return false when it can't be told
     */
    boolean read(TcpConnection.Reading into);

    /** Never throws for a connection that is broken already. */
    @Override
    void close();
}
