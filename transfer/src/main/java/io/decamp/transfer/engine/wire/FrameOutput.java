package io.decamp.transfer.engine.wire;

import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.EpochDigest;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.FrameType;
import io.decamp.contracts.page.PageCodec;
import io.decamp.contracts.page.PageSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * Writes frames to a {@link Wire}, numbers them and adds those that count to the digest of the epoch. Runs of pages are
 * gathered: their payload is not copied here, and their bytes must stay as they are until {@link #flushRuns}. Not
 * thread
 * safe.
 */
public final class FrameOutput {
    /** Frames gathered into one write. */
    public static final int MAX_GATHERED = 64;

    private static final int RUN_HEADER_BYTES = FrameDescriptor.HEADER_BYTES
            + Math.max(FrameDescriptor.RUN_META_BYTES, FrameDescriptor.ENCODED_META_BYTES);

    private final Wire wire;
    private final long generation;
    private final EpochDigest digest = new EpochDigest();
    private final CRC32C crc = new CRC32C();
    private final FrameHeader header = new FrameHeader();
    private final ByteBuffer runHeaders = buffer(MAX_GATHERED * RUN_HEADER_BYTES);
    private final ByteBuffer[] runHeaderViews = new ByteBuffer[MAX_GATHERED];
    private final ByteBuffer[] gathered = new ByteBuffer[2 * MAX_GATHERED];
    private final ByteBuffer control = buffer(FrameDescriptor.HEADER_BYTES + FrameDescriptor.MAX_META_BYTES);
    private int runs;
    private int buffers;
    private long sequence;

    /** @param version of the stream, which every frame names */
    public FrameOutput(Wire wire, long generation, int version) {
        this.wire = wire;
        this.generation = generation;
        header.version = version;
        for (int i = 0; i < MAX_GATHERED; i++) {
            runHeaderViews[i] = runHeaders.duplicate();
        }
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(FrameDescriptor.ORDER);
    }

    /**
     * Gathers a run; the caller flushes before more than {@link #MAX_GATHERED} are there.
     *
     * @param payload of exactly the run's bytes, which stay the caller's; null when the source is not BYTES
     */
    public void addRun(long epoch, long space, long address, int pages, PageSource source, long sameAs, ByteBuffer payload) {
        describe(epoch, space, address, pages);
        header.source = source;
        header.sameAs = sameAs;
        header.payloadBytes = payload == null ? 0 : payload.remaining();
        header.payloadCrc = payload == null ? 0 : crcOf(payload);
        int at = runs * RUN_HEADER_BYTES;
        header.writeRun(runHeaders, at);
        gather(at, payload);
    }

    /**
     * Gathers a run that comes in another form, as {@link #addRun} does.
     *
     * @param baseEpoch that the codec builds on, 0 when it builds on none
     * @param content the pages themselves, which are not sent
     */
    public void addEncodedRun(
            long epoch,
            long space,
            long address,
            int pages,
            PageCodec codec,
            long baseEpoch,
            ByteBuffer content,
            ByteBuffer payload) {
        describe(epoch, space, address, pages);
        header.codec = codec;
        header.baseEpoch = baseEpoch;
        header.contentCrc = crcOf(content);
        header.payloadBytes = payload.remaining();
        header.payloadCrc = crcOf(payload);
        int at = runs * RUN_HEADER_BYTES;
        header.writeEncodedRun(runHeaders, at);
        gather(at, payload);
    }

    private void describe(long epoch, long space, long address, int pages) {
        header.generation = generation;
        header.epoch = epoch;
        header.sequence = sequence++;
        header.space = space;
        header.address = address;
        header.pages = pages;
    }

    private void gather(int at, ByteBuffer payload) {
        digest.add(runHeaders, at, header.metaBytes);
        int end = at + FrameDescriptor.HEADER_BYTES + header.metaBytes;
        gathered[buffers++] = runHeaderViews[runs++].limit(end).position(at);
        if (payload != null) {
            gathered[buffers++] = payload;
        }
    }

    public int gatheredRuns() {
        return runs;
    }

    /** Hands the gathered runs to the wire, which then has no more need of their payload. */
    public void flushRuns() throws IOException {
        if (runs > 0) {
            wire.write(gathered, buffers);
            wire.flush();
            runs = 0;
            buffers = 0;
        }
    }

    /** Writes a frame without payload. */
    public void write(long epoch, ControlFrame frame) throws IOException {
        write(epoch, frame, null, 0);
    }

    /** Writes a chunk of a part; {@code runningCrc} covers the part up to the end of {@code payload}. */
    public void write(long epoch, ControlFrame frame, ByteBuffer payload, int runningCrc) throws IOException {
        start();
        frame.writeMeta(control);
        finish(epoch, frame.type(), payload, runningCrc);
        if (frame.type() == FrameType.BEGIN) {
            digest.reset();
        }
        if (frame.type() == FrameType.BEGIN || frame.type() == FrameType.PART) {
            digest.add(control, 0, header.metaBytes);
        }
        send(payload);
    }

    /** Writes the hint whose entries {@code fill} puts behind the header. */
    public void writePrepare(long epoch, Consumer<ByteBuffer> fill) throws IOException {
        start();
        fill.accept(control);
        finish(epoch, FrameType.PREPARE, null, 0);
        send(null);
    }

    /** Completes {@code seal} with the digest of all that was written since BEGIN, and writes it. @return the digest */
    public byte[] writeSeal(long epoch, ControlFrame.Seal seal) throws IOException {
        start();
        seal.writeMeta(control);
        finish(epoch, FrameType.SEAL, null, 0);
        digest.addSeal(control, 0, header.metaBytes);
        byte[] result = digest.finish();
        int end = FrameDescriptor.HEADER_BYTES + header.metaBytes;
        control.put(end - FrameDescriptor.DIGEST_BYTES, result);
        header.write(control, 0);
        send(null);
        return result;
    }

    private void start() {
        assert runs == 0 : "runs are written first";
        control.clear().position(FrameDescriptor.HEADER_BYTES);
    }

    private void finish(long epoch, FrameType type, ByteBuffer payload, int payloadCrc) {
        header.type = type;
        header.generation = generation;
        header.epoch = epoch;
        header.sequence = sequence++;
        header.metaBytes = control.position() - FrameDescriptor.HEADER_BYTES;
        header.payloadBytes = payload == null ? 0 : payload.remaining();
        header.payloadCrc = payloadCrc;
        header.write(control, 0);
    }

    private void send(ByteBuffer payload) throws IOException {
        gathered[0] = control.limit(FrameDescriptor.HEADER_BYTES + header.metaBytes).position(0);
        gathered[1] = payload;
        wire.write(gathered, payload == null ? 1 : 2);
        wire.flush();
    }

    private int crcOf(ByteBuffer payload) {
        int position = payload.position();
        crc.reset();
        crc.update(payload);
        payload.position(position);
        return (int) crc.getValue();
    }
}
