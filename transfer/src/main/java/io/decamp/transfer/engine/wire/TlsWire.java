package io.decamp.transfer.engine.wire;

import io.decamp.linux.socket.TcpConnection;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;

/**
 * TLS 1.3 with certificates on both sides, by the JDK's {@link SSLEngine} over a {@link PlainWire}. Gathers many small
 * buffers into full records and many records into one write. Records are built and opened in arrays, which is where the
 * JDK's AES-GCM works without copying.
 */
public final class TlsWire implements Wire {
    /** Bytes handed to the kernel at once; small enough to stay in the cache between sealing and sending. */
    private static final int BATCH_BYTES = 256 << 10;

    /** A record may be made of so many buffers: more than the small frames that fit into one. */
    private static final int MAX_GATHER = 16;

    private static final String[] SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final PlainWire plain;
    private final SSLEngine engine;
    private final ByteBuffer recordsOut;
    private final ByteBuffer kernelOut = ByteBuffer.allocateDirect(BATCH_BYTES);
    private final ByteBuffer recordsIn;
    private final ByteBuffer kernelIn = ByteBuffer.allocateDirect(BATCH_BYTES);
    private final int recordBytes;
    private boolean ended;

    private TlsWire(SocketChannel channel, SSLContext context, boolean client) throws IOException {
        plain = new PlainWire(channel);
        engine = context.createSSLEngine();
        engine.setUseClientMode(client);
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setProtocols(new String[] {"TLSv1.3"});
        parameters.setCipherSuites(SUITES);
        parameters.setNeedClientAuth(true);
        engine.setSSLParameters(parameters);
        recordBytes = engine.getSession().getPacketBufferSize();
        recordsOut = ByteBuffer.allocate(BATCH_BYTES);
        recordsIn = ByteBuffer.allocate(BATCH_BYTES + recordBytes).limit(0);
    }

    /** Shakes hands on a connected channel, which is closed when that fails. */
    public static TlsWire connect(SocketChannel channel, SSLContext context, Duration patience) throws IOException {
        return shaken(new TlsWire(channel, context, true), patience);
    }

    /** As {@link #connect}, for the side that accepted. */
    public static TlsWire accept(SocketChannel channel, SSLContext context, Duration patience) throws IOException {
        return shaken(new TlsWire(channel, context, false), patience);
    }

    private static TlsWire shaken(TlsWire wire, Duration patience) throws IOException {
        try {
            wire.handshake(patience);
            return wire;
        } catch (IOException | RuntimeException e) {
            wire.plain.close();
            throw e;
        }
    }

    /** Names and certificates of the peer. */
    public SSLSession session() {
        return engine.getSession();
    }

    private void handshake(Duration patience) throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        ByteBuffer early = ByteBuffer.allocate(MIN_READ_ROOM);
        engine.beginHandshake();
        while (true) {
            if (ended) {
                throw new EOFException("the peer ended TLS during the handshake");
            }
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> runTasks();
                case NEED_WRAP -> {
                    try {
                        wrap(new ByteBuffer[] {NOTHING}, 0, 1);
                    } finally {
                        // an alert that says why must reach the peer
                        flush();
                    }
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
                    if (!unwrap(early) && !fill(left, "the TLS handshake")) {
                        throw new EOFException("the peer ended the connection during the TLS handshake");
                    }
                    if (early.position() > 0) {
                        throw new SSLException("the peer sent data before the handshake was finished");
                    }
                }
                case FINISHED, NOT_HANDSHAKING -> {
                    return;
                }
            }
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
            wrap(buffers, first, Math.min(MAX_GATHER, count - first));
        }
    }

    private void wrap(ByteBuffer[] buffers, int first, int count) throws IOException {
        if (recordsOut.remaining() < recordBytes) {
            flush();
        }
        SSLEngineResult result = engine.wrap(buffers, first, count, recordsOut);
        switch (result.getStatus()) {
            case OK -> {
                if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
                    runTasks();
                }
            }
            case BUFFER_OVERFLOW, BUFFER_UNDERFLOW -> throw new SSLException("a record does not fit into " + recordBytes);
            case CLOSED -> throw new SSLException("the TLS connection was ended");
        }
    }

    @Override
    public void flush() throws IOException {
        recordsOut.flip();
        kernelOut.clear().put(recordsOut).flip();
        recordsOut.clear();
        plain.write(kernelOut);
    }

    @Override
    public int read(ByteBuffer into, Duration patience) throws IOException {
        int before = into.position();
        while (true) {
            unwrapAll(into);
            int n = into.position() - before;
            if (n > 0) {
                return n;
            }
            if (ended || !fill(patience, "the peer's next bytes")) {
                return -1;
            }
        }
    }

    @Override
    public int poll(ByteBuffer into) throws IOException {
        int before = into.position();
        kernelIn.clear();
        int n = recordsIn.capacity() - recordsIn.remaining() < BATCH_BYTES ? 0 : plain.poll(kernelIn);
        if (n > 0) {
            takeIn();
        }
        unwrapAll(into);
        int got = into.position() - before;
        return got > 0 ? got : n < 0 || ended ? -1 : 0;
    }

    private void unwrapAll(ByteBuffer into) throws IOException {
        while (recordsIn.hasRemaining() && into.remaining() >= MIN_READ_ROOM && !ended) {
            if (!unwrap(into)) {
                return;
            }
        }
    }

    /** @return false when there is no whole record */
    private boolean unwrap(ByteBuffer into) throws IOException {
        SSLEngineResult result = engine.unwrap(recordsIn, into);
        switch (result.getStatus()) {
            case OK -> {}
            case BUFFER_UNDERFLOW -> {
                return false;
            }
            case BUFFER_OVERFLOW -> throw new SSLException("a record does not fit into " + into.remaining() + " bytes");
            case CLOSED -> {
                ended = true;
                return true;
            }
        }
        if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
            runTasks();
        }
        // a key update that the peer asks for after 2^37 bytes is answered at once
        if (result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP && !engine.isOutboundDone() && !shaking()) {
            wrap(new ByteBuffer[] {NOTHING}, 0, 1);
            flush();
        }
        return true;
    }

    private boolean shaking() {
        return engine.getHandshakeSession() != null;
    }

    private boolean fill(Duration patience, String what) throws IOException {
        kernelIn.clear();
        if (plain.read(kernelIn, patience) < 0) {
            return false;
        }
        takeIn();
        return true;
    }

    private void takeIn() {
        kernelIn.flip();
        recordsIn.compact();
        recordsIn.put(kernelIn);
        recordsIn.flip();
    }

    private void runTasks() {
        Runnable task;
        while ((task = engine.getDelegatedTask()) != null) {
            task.run();
        }
    }

    @Override
    public void endOutput() throws IOException {
        engine.closeOutbound();
        if (!engine.isOutboundDone()) {
            engine.wrap(NOTHING, recordsOut);
        }
        flush();
        plain.endOutput();
    }

    @Override
    public long bytesOut() {
        return plain.bytesOut();
    }

    @Override
    public boolean read(TcpConnection.Reading into) {
        return plain.read(into);
    }

    @Override
    public void close() {
        plain.close();
    }
}
