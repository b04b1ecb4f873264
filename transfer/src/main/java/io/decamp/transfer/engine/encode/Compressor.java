package io.decamp.transfer.engine.encode;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import io.decamp.contracts.page.PageCodec;
import io.decamp.contracts.page.PageRuns;
import io.decamp.transfer.engine.wire.FrameOutput;
import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;
import org.jboss.logging.Logger;

/** LZ4 and Zstandard by their native libraries, into memory that is allocated once. Not thread safe. */
final class Compressor implements AutoCloseable {
    /** The fastest of the standard ones: what is sent once is not worth more. */
    private static final int ZSTD_LEVEL = 1;

    private static final Logger LOG = Logger.getLogger(Compressor.class);

    private final int bound;
    private final ByteBuffer out;
    private final ByteBuffer[] views = new ByteBuffer[FrameOutput.MAX_GATHERED];
    private final LZ4Compressor lz4;
    private ZstdCompressCtx zstd;
    private int used;
    private int encoded;

    /** @param framePages most pages of one frame; @param heldBytes most that is encoded until {@link #release} */
    Compressor(int framePages, int heldBytes) {
        int frameBytes = framePages * PageRuns.PAGE_BYTES;
        lz4 = LZ4Factory.fastestInstance().fastCompressor();
        int longest = lz4.maxCompressedLength(frameBytes);
        try {
            longest = Math.max(longest, (int) Zstd.compressBound(frameBytes));
            zstd = new ZstdCompressCtx();
            zstd.setLevel(ZSTD_LEVEL).setChecksum(false);
        } catch (LinkageError e) {
            LOG.warnf(e, "The library of Zstandard cannot be loaded; pages are compressed with LZ4 only");
        }
        bound = longest;
        out = ByteBuffer.allocateDirect(heldBytes + bound);
        for (int i = 0; i < views.length; i++) {
            views[i] = out.duplicate();
        }
    }

    /** Whether its library is there. */
    boolean has(PageCodec codec) {
        return codec != PageCodec.ZSTD || zstd != null;
    }

    /** Whether there is room for one more frame. */
    boolean hasRoom() {
        return out.capacity() - used >= bound && encoded < views.length;
    }

    /**
     * Encodes at most a frame's worth of bytes. What comes out is kept only when {@link #keep} is called.
     *
     * @return how many bytes it takes
     */
    int encode(PageCodec codec, ByteBuffer from, int offset, int bytes) {
        if (codec == PageCodec.ZSTD) {
            return zstd.compressDirectByteBuffer(out, used, bound, from, offset, bytes);
        }
        return lz4.compress(from, offset, bytes, out, used, bound);
    }

    /** Keeps the {@code bytes} that the last {@link #encode} made until {@link #release}. */
    ByteBuffer keep(int bytes) {
        ByteBuffer view = views[encoded++].clear();
        view.limit(used + bytes).position(used);
        used += bytes;
        return view;
    }

    /** What was kept has gone out. */
    void release() {
        used = 0;
        encoded = 0;
    }

    @Override
    public void close() {
        if (zstd != null) {
            zstd.close();
            zstd = null;
        }
    }
}
