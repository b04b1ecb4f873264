package io.decamp.transfer.engine.send;

import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.PageCodec;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.v1.WireSavings;
import io.decamp.transfer.engine.encode.PageEncoder;
import io.decamp.transfer.engine.encode.SentVersions;
import io.decamp.transfer.engine.wire.FrameOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;

/**
 * Turns runs of pages into frames: cuts what is long, gathers what is short, and lets an encoder leave out what need not be
 * sent. Allocates nothing per run. Not thread safe.
 */
final class RunSender implements PageEncoder.Frames, AutoCloseable {
    /** Bytes of one frame: its checksum is taken while it is on its way into the cache that TLS reads it from. */
    private static final int FRAME_PAGES = 64;

    /** Payload gathered before it is handed on; with many short runs {@link FrameOutput#MAX_GATHERED} comes first. */
    private static final int GATHER_BYTES = 512 << 10;

    /** Entries of one PREPARE frame. */
    private static final int MAX_HINTS = FrameDescriptor.MAX_META_BYTES / FrameDescriptor.HINT_BYTES;

    interface PeerCheck {
        void check() throws IOException;
    }

    private final FrameOutput out;
    private final TokenBucket cap;
    private final PeerCheck peer;
    private final SentVersions versions;
    private final PageEncoder encoder;
    private final ByteBuffer[] views = new ByteBuffer[FrameOutput.MAX_GATHERED];
    private ByteBuffer viewed;
    private long gatheredBytes;
    private long epoch;

    /**
     * @param versions what the destination has; null when it does not understand encoded pages
     * @param linkBytesPerSecond what the link, or the cap, gives; 0 when it is not the bottleneck
     */
    RunSender(
            FrameOutput out, TokenBucket cap, PeerCheck peer, SentVersions versions, LongSupplier linkBytesPerSecond) {
        this.out = out;
        this.cap = cap;
        this.peer = peer;
        this.versions = versions;
        encoder = versions == null
                ? null
                : new PageEncoder(this, FRAME_PAGES, GATHER_BYTES, versions, linkBytesPerSecond);
    }

    /** @param payload of the BYTES runs, back to back; null when there are none */
    void send(long ofEpoch, PageRuns runs, ByteBuffer payload, long payloadBytes) throws IOException {
        if (runs.payloadBytes() != payloadBytes) {
            throw new IllegalArgumentException(
                    "segment has " + payloadBytes + " bytes, its runs need " + runs.payloadBytes());
        }
        epoch = ofEpoch;
        view(payload);
        int at = 0;
        for (int i = 0; i < runs.size(); i++) {
            PageSource source = runs.source(i);
            long space = runs.space(i);
            long address = runs.address(i);
            int pages = runs.pages(i);
            if (source == PageSource.BYTES) {
                if (encoder == null) {
                    whole(space, address, pages, at);
                } else {
                    encoder.run(epoch, space, address, pages, at);
                }
                at += pages * PageRuns.PAGE_BYTES;
            } else {
                if (versions != null) {
                    versions.forget(space, address, pages);
                }
                reference(space, address, pages, source, runs.sameAs(i));
            }
        }
        flush();
    }

    private void reference(long space, long address, int pages, PageSource source, long sameAs) throws IOException {
        int most = source == PageSource.SAME_AS ? FrameDescriptor.MAX_SAME_AS_PAGES : Integer.MAX_VALUE;
        for (int done = 0; done < pages; ) {
            int count = Math.min(pages - done, most);
            out.addRun(epoch, space, address + (long) done * PageRuns.PAGE_BYTES, count, source, sameAs, null);
            gatheredBytes += FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_META_BYTES;
            makeRoom();
            done += count;
        }
    }

    @Override
    public void whole(long space, long address, int pages, int offset) throws IOException {
        for (int done = 0; done < pages; ) {
            int count = Math.min(pages - done, FRAME_PAGES);
            ByteBuffer view = next(offset + done * PageRuns.PAGE_BYTES, count);
            gatheredBytes += view.remaining() + FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_META_BYTES;
            out.addRun(
                    epoch, space, address + (long) done * PageRuns.PAGE_BYTES, count, PageSource.BYTES, 0, view);
            makeRoom();
            done += count;
        }
    }

    @Override
    public void encoded(
            long space, long address, int pages, PageCodec codec, long baseEpoch, int offset, ByteBuffer bytes)
            throws IOException {
        gatheredBytes += bytes.remaining() + FrameDescriptor.HEADER_BYTES + FrameDescriptor.ENCODED_META_BYTES;
        out.addEncodedRun(epoch, space, address, pages, codec, baseEpoch, next(offset, pages), bytes);
        makeRoom();
    }

    private ByteBuffer next(int offset, int pages) {
        return views[out.gatheredRuns()].limit(offset + pages * PageRuns.PAGE_BYTES).position(offset);
    }

    private void view(ByteBuffer payload) {
        if (payload != null && payload != viewed) {
            for (int i = 0; i < views.length; i++) {
                views[i] = payload.duplicate();
            }
            viewed = payload;
        }
        if (encoder != null) {
            encoder.payload(viewed);
        }
    }

    /** After each frame, so that there is always room for the next one. */
    private void makeRoom() throws IOException {
        if (out.gatheredRuns() == FrameOutput.MAX_GATHERED || gatheredBytes >= GATHER_BYTES) {
            flush();
        }
    }

    @Override
    public void flush() throws IOException {
        cap.await(gatheredBytes);
        peer.check();
        long start = System.nanoTime();
        out.flushRuns();
        if (encoder != null) {
            encoder.flushed(gatheredBytes, System.nanoTime() - start);
        }
        gatheredBytes = 0;
    }

    /** What was left out since it was last asked. */
    WireSavings takeSavings() {
        return encoder == null ? WireSavings.getDefaultInstance() : encoder.takeSavings();
    }

    @Override
    public void close() {
        if (encoder != null) {
            encoder.close();
        }
    }

    /** Tells the runs that will bring bytes; what does not fit into one frame goes into the next. */
    void prepare(long epoch, PageRuns runs) throws IOException {
        for (int from = 0; from < runs.size(); from += MAX_HINTS) {
            int first = from;
            int end = Math.min(runs.size(), from + MAX_HINTS);
            out.writePrepare(epoch, meta -> {
                for (int i = first; i < end; i++) {
                    if (runs.source(i) == PageSource.BYTES) {
                        meta.putLong(runs.space(i)).putLong(runs.address(i)).putInt(runs.pages(i));
                    }
                }
            });
        }
    }
}
