package io.decamp.transfer.engine.send;

import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.transfer.engine.wire.FrameOutput;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Turns runs of pages into frames: cuts what is long, gathers what is short. Allocates nothing per run. Not thread
 * safe.
 */
final class RunSender {
    /** Bytes of one frame: its checksum is taken while it is on its way into the cache that TLS reads it from. */
    private static final int FRAME_PAGES = 64;

    /** Payload gathered before it is handed on; with many short runs {@link FrameOutput#MAX_GATHERED} comes first. */
    private static final long GATHER_BYTES = 512 << 10;

    /** Entries of one PREPARE frame. */
    private static final int MAX_HINTS = FrameDescriptor.MAX_META_BYTES / FrameDescriptor.HINT_BYTES;

    interface PeerCheck {
        void check() throws IOException;
    }

    private final FrameOutput out;
    private final TokenBucket cap;
    private final PeerCheck peer;
    private final ByteBuffer[] views = new ByteBuffer[FrameOutput.MAX_GATHERED];
    private ByteBuffer viewed;
    private long gatheredBytes;

    RunSender(FrameOutput out, TokenBucket cap, PeerCheck peer) {
        this.out = out;
        this.cap = cap;
        this.peer = peer;
    }

    /** @param payload of the BYTES runs, back to back; null when there are none */
    void send(long epoch, PageRuns runs, ByteBuffer payload, long payloadBytes) throws IOException {
        if (runs.payloadBytes() != payloadBytes) {
            throw new IllegalArgumentException(
                    "segment has " + payloadBytes + " bytes, its runs need " + runs.payloadBytes());
        }
        view(payload);
        int at = 0;
        for (int i = 0; i < runs.size(); i++) {
            PageSource source = runs.source(i);
            int most = switch (source) {
                case BYTES -> FRAME_PAGES;
                case SAME_AS -> FrameDescriptor.MAX_SAME_AS_PAGES;
                case ZERO -> Integer.MAX_VALUE;
            };
            long address = runs.address(i);
            int left = runs.pages(i);
            while (left > 0) {
                int pages = Math.min(left, most);
                int bytes = source == PageSource.BYTES ? pages * PageRuns.PAGE_BYTES : 0;
                makeRoom();
                ByteBuffer view = bytes == 0 ? null : views[out.gatheredRuns()].limit(at + bytes).position(at);
                out.addRun(epoch, runs.space(i), address, pages, source, runs.sameAs(i), view);
                at += bytes;
                gatheredBytes += bytes + FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_META_BYTES;
                address += (long) pages * PageRuns.PAGE_BYTES;
                left -= pages;
            }
        }
        flush();
    }

    private void view(ByteBuffer payload) {
        if (payload != null && payload != viewed) {
            for (int i = 0; i < views.length; i++) {
                views[i] = payload.duplicate();
            }
            viewed = payload;
        }
    }

    private void makeRoom() throws IOException {
        if (out.gatheredRuns() == FrameOutput.MAX_GATHERED || gatheredBytes >= GATHER_BYTES) {
            flush();
        }
    }

    private void flush() throws IOException {
        cap.await(gatheredBytes);
        peer.check();
        out.flushRuns();
        gatheredBytes = 0;
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
