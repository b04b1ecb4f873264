package io.decamp.transfer.engine.replica;

import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.PageCodec;
import io.decamp.contracts.page.PageRuns;
import io.decamp.transfer.engine.wire.Xor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.jboss.logging.Logger;

/**
 * Makes pages of the payload of an ENCODED_PAGES frame. Nothing in it is trusted: what it is decoded to must have exactly
 * the length of the run, which is bounded, and the checksum that the frame says. Allocates its buffers with the first such
 * frame, and again only for a longer one. Not thread safe.
 */
final class PageDecoder implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(PageDecoder.class);

    /** Of a run as this release sends it. */
    private static final int USUAL_BYTES = 64 * PageRuns.PAGE_BYTES;

    private final LZ4SafeDecompressor lz4 = LZ4Factory.fastestInstance().safeDecompressor();
    private final CRC32C crc = new CRC32C();
    private final Xor xor = new Xor();
    private ZstdDecompressCtx zstd;
    private ByteBuffer pages;
    private ByteBuffer base;
    private MemorySegment pageMemory;
    private MemorySegment baseMemory;

    /** @return the pages of the run, valid until the next call */
    ByteBuffer decode(FrameHeader run, ByteBuffer payload, SpaceFiles sealed) throws IOException {
        int bytes = (int) run.runBytes();
        if (pages == null || pages.capacity() < bytes) {
            allocate(bytes <= USUAL_BYTES ? USUAL_BYTES : FrameDescriptor.MAX_PAYLOAD_BYTES);
        }
        pages.clear().limit(bytes);
        int decoded = decompress(run, payload, bytes);
        if (decoded != bytes) {
            throw FrameException.malformed(run.describeRun() + " is decoded to " + decoded + " bytes");
        }
        if (run.codec.isBased()) {
            sealed.read(run.space, run.address, base.clear().limit(bytes));
            for (int at = 0; at < bytes; at += PageRuns.PAGE_BYTES) {
                xor.page(pageMemory, at, baseMemory, at, pageMemory, at);
            }
        }
        crc.reset();
        crc.update(pages.position(0));
        pages.position(0);
        if ((int) crc.getValue() != run.contentCrc) {
            String what = run.describeRun() + " is decoded to other pages than were sent";
            throw run.codec.isBased() ? FrameException.base(what) : FrameException.corrupt(what);
        }
        return pages;
    }

    private void allocate(int bytes) {
        pages = ByteBuffer.allocateDirect(bytes);
        base = ByteBuffer.allocateDirect(bytes);
        pageMemory = MemorySegment.ofBuffer(pages);
        baseMemory = MemorySegment.ofBuffer(base);
    }

    private int decompress(FrameHeader run, ByteBuffer payload, int bytes) {
        try {
            if (run.codec == PageCodec.ZSTD) {
                if (zstd == null) {
                    zstd = new ZstdDecompressCtx();
                }
                return zstd.decompressDirectByteBuffer(
                        pages, 0, bytes, payload, payload.position(), payload.remaining());
            }
            return lz4.decompress(payload, payload.position(), payload.remaining(), pages, 0, bytes);
        } catch (LinkageError e) {
            LOG.errorf(e, "The library of %s cannot be loaded", run.codec);
            throw FrameException.unknownCodec(run.codec);
        } catch (LZ4Exception | ZstdException e) {
            throw FrameException.malformed(run.describeRun() + " cannot be decoded as " + run.codec + ": " + e.getMessage());
        }
    }

    @Override
    public void close() {
        if (zstd != null) {
            zstd.close();
            zstd = null;
        }
    }
}
