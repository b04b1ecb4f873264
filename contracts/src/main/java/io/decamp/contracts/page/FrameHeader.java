package io.decamp.contracts.page;

import static io.decamp.contracts.page.FrameDescriptor.*;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Header of one frame and, for PAGES and ENCODED_PAGES, its run: read into or written from the same object again and again, so that the
 * page
 * loop allocates nothing. Reading happens in two steps, as the meta can be fetched only when its length is known. Not
 * thread safe.
 */
public final class FrameHeader {
    public int version = VERSION;
    public FrameType type;
    public int metaBytes;
    public int payloadBytes;
    public long generation;
    public long epoch;
    public long sequence;
    public int payloadCrc;

    /** The run of a PAGES or ENCODED_PAGES frame. */
    public long space;

    public long address;
    public int pages;
    public PageSource source;
    public long sameAs;

    /** Of ENCODED_PAGES only; its source reads BYTES, which is what it is once decoded. */
    public PageCodec codec;

    /** The epoch whose sealed pages {@link #codec} builds on; 0 when it builds on none. */
    public long baseEpoch;

    public int contentCrc;

    private int headerCrc;
    private final CRC32C crc = new CRC32C();

    /**
     * Reads the fixed header at {@code at}. Lengths are within their limits afterwards, but nothing is certain before
     * {@link #checkMeta}.
     *
     * @throws io.decamp.contracts.error.DecampException {@code frame-malformed}, {@code protocol-version}
     */
    public void read(ByteBuffer in, int at) {
        int magic = in.getInt(at + MAGIC_OFFSET);
        if (magic != MAGIC) {
            throw FrameException.malformed("Expected the magic " + hex(MAGIC) + " of a frame but read " + hex(magic));
        }
        version = Short.toUnsignedInt(in.getShort(at + VERSION_OFFSET));
        if (version < OLDEST_VERSION || version > VERSION) {
            throw FrameException.version(version);
        }
        int typeCode = Short.toUnsignedInt(in.getShort(at + TYPE_OFFSET));
        type = FrameType.ofCode(typeCode);
        if (type == null) {
            throw FrameException.malformed("Frame type " + typeCode + " is not known");
        }
        metaBytes = limited(in.getInt(at + META_BYTES_OFFSET), MAX_META_BYTES, "meta");
        payloadBytes = limited(in.getInt(at + PAYLOAD_BYTES_OFFSET), MAX_PAYLOAD_BYTES, "payload");
        generation = in.getLong(at + GENERATION_OFFSET);
        epoch = in.getLong(at + EPOCH_OFFSET);
        sequence = in.getLong(at + SEQUENCE_OFFSET);
        payloadCrc = in.getInt(at + PAYLOAD_CRC_OFFSET);
        headerCrc = in.getInt(at + HEADER_CRC_OFFSET);
        if (version < type.sinceVersion()) {
            throw FrameException.malformed("A frame of version " + version + " cannot be " + type);
        }
        if (payloadBytes != 0 && !type.hasPayload()) {
            throw FrameException.malformed("A " + type + " frame has a payload of " + payloadBytes + " bytes");
        }
    }

    /** Checks the header's checksum over header and meta, which lie at {@code at}, one after the other. */
    public void checkMeta(ByteBuffer in, int at) {
        int computed = headerCrc(in, at, metaBytes);
        if (computed != headerCrc) {
            throw FrameException.corrupt("Header of frame " + sequence + " has checksum " + hex(computed) + " but says "
                    + hex(headerCrc));
        }
    }

    /**
     * Reads and checks the run of a PAGES frame whose header lies at {@code at}.
     *
     * @throws io.decamp.contracts.error.DecampException {@code frame-malformed}, {@code page-source-unknown}
     */
    public void readRun(ByteBuffer in, int at) {
        if (metaBytes != RUN_META_BYTES) {
            throw FrameException.malformed("A PAGES frame has " + metaBytes + " bytes of meta instead of " + RUN_META_BYTES);
        }
        int meta = at + HEADER_BYTES;
        space = in.getLong(meta + RUN_SPACE_OFFSET);
        address = in.getLong(meta + RUN_ADDRESS_OFFSET);
        pages = in.getInt(meta + RUN_PAGES_OFFSET);
        int sourceCode = in.getInt(meta + RUN_SOURCE_OFFSET);
        sameAs = in.getLong(meta + RUN_SAME_AS_OFFSET);
        source = PageSource.ofCode(sourceCode);
        if (source == null) {
            throw FrameException.unknownSource(sourceCode);
        }
        checkRange(space, address, pages);
        checkSource();
    }

    /**
     * Reads and checks the run of an ENCODED_PAGES frame whose header lies at {@code at}.
     *
     * @throws io.decamp.contracts.error.DecampException {@code frame-malformed}, {@code page-codec-unknown}
     */
    public void readEncodedRun(ByteBuffer in, int at) {
        if (metaBytes != ENCODED_META_BYTES) {
            throw FrameException.malformed(
                    "An ENCODED_PAGES frame has " + metaBytes + " bytes of meta instead of " + ENCODED_META_BYTES);
        }
        int meta = at + HEADER_BYTES;
        space = in.getLong(meta + RUN_SPACE_OFFSET);
        address = in.getLong(meta + RUN_ADDRESS_OFFSET);
        pages = in.getInt(meta + RUN_PAGES_OFFSET);
        int codecCode = in.getInt(meta + RUN_CODEC_OFFSET);
        baseEpoch = in.getLong(meta + RUN_BASE_EPOCH_OFFSET);
        contentCrc = in.getInt(meta + RUN_CONTENT_CRC_OFFSET);
        codec = PageCodec.ofCode(codecCode);
        if (codec == null) {
            throw FrameException.unknownCodec(codecCode);
        }
        source = PageSource.BYTES;
        sameAs = 0;
        checkRange(space, address, pages);
        if (pages > MAX_BYTES_PAGES || payloadBytes == 0 || payloadBytes > runBytes()) {
            throw FrameException.malformed(describeRun() + " is encoded in " + payloadBytes + " bytes");
        }
        if (codec.isBased() ? baseEpoch <= 0 || baseEpoch >= epoch : baseEpoch != 0) {
            throw FrameException.malformed(describeRun() + " as " + codec + " cannot build on epoch " + baseEpoch);
        }
    }

    private void checkSource() {
        long expected = source == PageSource.BYTES ? runBytes() : 0;
        if (payloadBytes != expected) {
            throw FrameException.malformed(
                    describeRun() + " comes with " + payloadBytes + " bytes of payload instead of " + expected);
        }
        int most = switch (source) {
            case BYTES -> MAX_BYTES_PAGES;
            case SAME_AS -> MAX_SAME_AS_PAGES;
            case ZERO -> Integer.MAX_VALUE;
        };
        if (pages > most) {
            throw FrameException.malformed(describeRun() + " has more than the " + most + " pages of a " + source + " frame");
        }
        boolean refers = source == PageSource.SAME_AS;
        if (refers ? sameAs <= 0 || sameAs == space : sameAs != 0) {
            throw FrameException.malformed(describeRun() + " cannot refer to address space " + sameAs);
        }
    }

    /** @throws io.decamp.contracts.error.DecampException {@code frame-malformed} when it is not a run of user pages */
    public static void checkRange(long space, long address, int pages) {
        if (space <= 0) {
            throw FrameException.malformed("Address space " + space + " is not greater than 0");
        }
        if ((address & (PageRuns.PAGE_BYTES - 1)) != 0) {
            throw FrameException.malformed("Address 0x" + Long.toHexString(address) + " is not at the start of a page");
        }
        long length = (long) pages * PageRuns.PAGE_BYTES;
        if (pages <= 0 || address < 0 || address > USER_SPACE_BYTES - length) {
            throw FrameException.malformed(
                    pages + " pages at 0x" + Long.toHexString(address) + " are not within the user's address space");
        }
    }

    public long runBytes() {
        return (long) pages * PageRuns.PAGE_BYTES;
    }

    public String describeRun() {
        return "Run of " + pages + " pages at 0x" + Long.toHexString(address) + " of address space " + space;
    }

    /** Writes header and run of a PAGES frame at {@code at}; takes {@link #HEADER_BYTES} + {@link #RUN_META_BYTES}. */
    public void writeRun(ByteBuffer out, int at) {
        int meta = at + HEADER_BYTES;
        out.putLong(meta + RUN_SPACE_OFFSET, space);
        out.putLong(meta + RUN_ADDRESS_OFFSET, address);
        out.putInt(meta + RUN_PAGES_OFFSET, pages);
        out.putInt(meta + RUN_SOURCE_OFFSET, source.code());
        out.putLong(meta + RUN_SAME_AS_OFFSET, sameAs);
        type = FrameType.PAGES;
        metaBytes = RUN_META_BYTES;
        write(out, at);
    }

    /**
     * Writes header and run of an ENCODED_PAGES frame at {@code at}; takes {@link #HEADER_BYTES} + {@link
     * #ENCODED_META_BYTES}.
     */
    public void writeEncodedRun(ByteBuffer out, int at) {
        int meta = at + HEADER_BYTES;
        out.putLong(meta + RUN_SPACE_OFFSET, space);
        out.putLong(meta + RUN_ADDRESS_OFFSET, address);
        out.putInt(meta + RUN_PAGES_OFFSET, pages);
        out.putInt(meta + RUN_CODEC_OFFSET, codec.code());
        out.putLong(meta + RUN_BASE_EPOCH_OFFSET, baseEpoch);
        out.putInt(meta + RUN_CONTENT_CRC_OFFSET, contentCrc);
        type = FrameType.ENCODED_PAGES;
        metaBytes = ENCODED_META_BYTES;
        write(out, at);
    }

    /** Writes the header at {@code at} around a meta of {@link #metaBytes} that is already in its place behind it. */
    public void write(ByteBuffer out, int at) {
        out.putInt(at + MAGIC_OFFSET, MAGIC);
        out.putShort(at + VERSION_OFFSET, (short) version);
        out.putShort(at + TYPE_OFFSET, (short) type.code());
        out.putInt(at + META_BYTES_OFFSET, metaBytes);
        out.putInt(at + PAYLOAD_BYTES_OFFSET, payloadBytes);
        out.putLong(at + GENERATION_OFFSET, generation);
        out.putLong(at + EPOCH_OFFSET, epoch);
        out.putLong(at + SEQUENCE_OFFSET, sequence);
        out.putInt(at + PAYLOAD_CRC_OFFSET, payloadCrc);
        out.putInt(at + HEADER_CRC_OFFSET, headerCrc(out, at, metaBytes));
    }

    private int headerCrc(ByteBuffer b, int at, int meta) {
        int position = b.position();
        int limit = b.limit();
        crc.reset();
        crc.update(b.limit(at + HEADER_CRC_OFFSET).position(at));
        crc.update(b.limit(at + HEADER_BYTES + meta).position(at + HEADER_BYTES));
        b.limit(limit).position(position);
        return (int) crc.getValue();
    }

    private static int limited(int value, int most, String what) {
        if (value < 0 || value > most) {
            throw FrameException.malformed(
                    "A frame says it has " + Integer.toUnsignedString(value) + " bytes of " + what + ", the limit is " + most);
        }
        return value;
    }

    private static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }
}
