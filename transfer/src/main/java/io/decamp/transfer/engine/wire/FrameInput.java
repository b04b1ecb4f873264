package io.decamp.transfer.engine.wire;

import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.EpochDigest;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.FrameType;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.zip.CRC32C;

/**
 * Cuts what a {@link Wire} brings into frames. The current frame lies in one piece in a direct buffer, from which its
 * payload goes straight into a file. Checks what concerns every frame: magic, version, limits, header checksum and
 * sequence. Not thread safe.
 */
public final class FrameInput {
    private static final int MAX_FRAME_BYTES =
            FrameDescriptor.HEADER_BYTES + FrameDescriptor.MAX_META_BYTES + FrameDescriptor.MAX_PAYLOAD_BYTES;

    /** Room for a second frame makes moving the rest of the buffer rare. */
    private static final int BUFFER_BYTES = 2 * MAX_FRAME_BYTES + Wire.MIN_READ_ROOM;

    /** A frame that has begun must be complete after this time without a byte. */
    private static final Duration FRAME_PATIENCE = Duration.ofSeconds(30);

    private final Wire wire;
    private final ByteBuffer buffer =
            ByteBuffer.allocateDirect(BUFFER_BYTES).order(FrameDescriptor.ORDER);
    private final ByteBuffer payload = buffer.duplicate();
    private final FrameHeader header = new FrameHeader();
    private final CRC32C crc = new CRC32C();
    private int at;
    private int next;
    private long sequence;
    private int version;

    public FrameInput(Wire wire) {
        this.wire = wire;
    }

    /**
     * Reads header and meta of the next frame; the one before is gone then.
     *
     * @param patience how long to wait for its first byte
     * @return null when the peer has ended the stream between two frames
     * @throws io.decamp.contracts.error.DecampException {@code frame-malformed}, {@code frame-corrupt}, {@code
     * protocol-version}
     */
    public FrameHeader next(Duration patience) throws IOException {
        at = next;
        if (buffer.position() == at) {
            // starting over at the front keeps the buffer's used part in the cache
            buffer.clear();
            at = next = 0;
            if (!fetch(patience)) {
                return null;
            }
        }
        need(FrameDescriptor.HEADER_BYTES);
        header.read(buffer, at);
        need(FrameDescriptor.HEADER_BYTES + header.metaBytes);
        header.checkMeta(buffer, at);
        if (version != 0 && header.version != version && header.type != FrameType.ERROR) {
            throw FrameException.malformed(
                    "A frame of version " + header.version + " came in a stream of version " + version);
        }
        if (header.sequence != sequence) {
            throw FrameException.malformed("Frame " + header.sequence + " came where frame " + sequence + " was expected");
        }
        sequence++;
        need(FrameDescriptor.HEADER_BYTES + header.metaBytes + header.payloadBytes);
        next = at + FrameDescriptor.HEADER_BYTES + header.metaBytes + header.payloadBytes;
        return header;
    }

    /** From now on only an ERROR may be of another version. */
    public void require(int streamVersion) {
        version = streamVersion;
    }

    /** Whether a frame or a part of one has come; does not wait. */
    public boolean hasInput() throws IOException {
        return buffer.position() > next || wire.poll(room()) != 0;
    }

    /** Reads and checks the run of the current frame, which is PAGES. */
    public void readRun() {
        header.readRun(buffer, at);
    }

    /** Reads and checks the run of the current frame, which is ENCODED_PAGES. */
    public void readEncodedRun() {
        header.readEncodedRun(buffer, at);
    }

    /** Reads the meta of the current frame. */
    public ControlFrame control() {
        return ControlFrame.read(header.type, meta());
    }

    /** The meta of the current frame. */
    public ByteBuffer meta() {
        return buffer.slice(at + FrameDescriptor.HEADER_BYTES, header.metaBytes).order(FrameDescriptor.ORDER);
    }

    /** The payload of the current frame; the same object each time. */
    public ByteBuffer payload() {
        return payload.limit(next).position(next - header.payloadBytes);
    }

    /**
     * Compares the payload of the current frame, which is PAGES or ENCODED_PAGES, to its checksum.
     *
     * @throws io.decamp.contracts.error.DecampException {@code frame-corrupt}
     */
    public void checkPayload() {
        if (header.payloadBytes > 0) {
            crc.reset();
            crc.update(payload());
            if ((int) crc.getValue() != header.payloadCrc) {
                throw FrameException.corrupt(header.describeRun() + " does not have the checksum that its frame says");
            }
        }
    }

    /** Adds the current frame to the digest of its epoch. */
    public void addTo(EpochDigest digest) {
        if (header.type == FrameType.SEAL) {
            digest.addSeal(buffer, at, header.metaBytes);
        } else {
            digest.add(buffer, at, header.metaBytes);
        }
    }

    private void need(int frameBytes) throws IOException {
        while (buffer.position() - at < frameBytes) {
            if (!fetch(FRAME_PATIENCE)) {
                throw new EOFException("the peer ended the stream after " + (buffer.position() - at) + " of " + frameBytes
                        + " bytes of frame " + sequence);
            }
        }
    }

    private boolean fetch(Duration patience) throws IOException {
        return wire.read(room(), patience) >= 0;
    }

    /** The buffer with room for at least one read behind what is in it. Moves the current frame when there is none. */
    private ByteBuffer room() {
        if (buffer.remaining() < Wire.MIN_READ_ROOM) {
            int keep = Math.min(at, next);
            buffer.flip().position(keep);
            buffer.compact();
            at -= keep;
            next -= keep;
        }
        return buffer;
    }
}
