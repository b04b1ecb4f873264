package io.decamp.contracts.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class EncodedRunTest {
    private static final int FRAME_BYTES = FrameDescriptor.HEADER_BYTES + FrameDescriptor.ENCODED_META_BYTES;

    /** Version 2, written once and decoded for ever. */
    private static final String GOLDEN = "44435053" + "0200" + "0a00" + "24000000" + "2d000000"
            + "0700000000000000" + "2a00000000000000" + "0900000000000000" + "78563412" + "46067f2e"
            + "0300000000000000" + "0010adfbca7f0000" + "02000000" + "02000000" + "2900000000000000" + "efbeadde";

    @Test
    void shouldWriteTheGoldenBytesOfVersion2() {
        ByteBuffer out = buffer();
        run().writeEncodedRun(out, 0);
        assertEquals(GOLDEN, HexFormat.of().formatHex(out.array()));
    }

    @Test
    void shouldReadTheGoldenBytesOfVersion2() {
        FrameHeader read = read(ByteBuffer.wrap(HexFormat.of().parseHex(GOLDEN)));
        assertEquals(2, read.version);
        assertEquals(FrameType.ENCODED_PAGES, read.type);
        assertEquals(3, read.space);
        assertEquals(0x7fcafbad1000L, read.address);
        assertEquals(2, read.pages);
        assertEquals(PageCodec.XOR_LZ4, read.codec);
        assertEquals(41, read.baseEpoch);
        assertEquals(0xdeadbeef, read.contentCrc);
        assertEquals(45, read.payloadBytes);
        assertEquals(PageSource.BYTES, read.source);
    }

    @Test
    void shouldNoticeEveryFlippedBit() {
        byte[] good = HexFormat.of().parseHex(GOLDEN);
        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] bad = good.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            assertThrows(DecampException.class, () -> read(ByteBuffer.wrap(bad)), "bit " + bit);
        }
    }

    @Test
    void shouldRefuseEncodedPagesInAStreamOfVersion1() {
        assertRefused("frame-malformed", h -> h.version = 1);
    }

    @Test
    void shouldRefuseAnUnknownCodecByName() {
        ByteBuffer out = buffer();
        FrameHeader h = run();
        h.writeEncodedRun(out, 0);
        out.putInt(FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_CODEC_OFFSET, 77);
        h.write(out, 0);

        DecampException e = assertThrows(DecampException.class, () -> read(out));

        assertEquals("page-codec-unknown", e.code());
    }

    @Test
    void shouldRefuseWhatCannotBeDecodedIntoTheRun() {
        assertRefused("frame-malformed", h -> h.pages = 0);
        assertRefused("frame-malformed", h -> h.pages = FrameDescriptor.MAX_BYTES_PAGES + 1);
        assertRefused("frame-malformed", h -> h.payloadBytes = 0);
        assertRefused("frame-malformed", h -> h.payloadBytes = 2 * 4096 + 1);
        assertRefused("frame-malformed", h -> h.address++);
        assertRefused("frame-malformed", h -> h.space = 0);
    }

    @Test
    void shouldRefuseABaseThatCannotBeSealed() {
        assertRefused("frame-malformed", h -> h.baseEpoch = 0);
        assertRefused("frame-malformed", h -> h.baseEpoch = -1);
        assertRefused("frame-malformed", h -> h.baseEpoch = h.epoch);
        assertRefused("frame-malformed", h -> h.codec = PageCodec.LZ4);
    }

    @Test
    void shouldRefuseOrReadWhateverFollowsAValidHeaderChecksum() {
        long seed = Long.getLong("decamp.seed", System.nanoTime());
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            ByteBuffer out = buffer();
            FrameHeader h = run();
            h.writeEncodedRun(out, 0);
            for (int at = FrameDescriptor.HEADER_BYTES; at < FRAME_BYTES; at++) {
                if (random.nextInt(4) == 0) {
                    out.put(at, (byte) random.nextInt());
                }
            }
            h.payloadBytes = random.nextInt(FrameDescriptor.MAX_PAYLOAD_BYTES);
            h.write(out, 0);
            try {
                FrameHeader read = read(out);
                assertEquals(true, read.payloadBytes <= read.runBytes(), "seed " + seed);
            } catch (DecampException refused) {
                assertEquals(true, refused.code().matches("frame-malformed|page-codec-unknown"), refused.code());
            }
        }
    }

    private static void assertRefused(String code, Consumer<FrameHeader> lie) {
        ByteBuffer out = buffer();
        FrameHeader h = run();
        lie.accept(h);
        h.writeEncodedRun(out, 0);
        DecampException e = assertThrows(DecampException.class, () -> read(out));
        assertEquals(code, e.code(), e.getMessage());
    }

    private static FrameHeader run() {
        FrameHeader h = new FrameHeader();
        h.generation = 7;
        h.epoch = 42;
        h.sequence = 9;
        h.space = 3;
        h.address = 0x7fcafbad1000L;
        h.pages = 2;
        h.codec = PageCodec.XOR_LZ4;
        h.baseEpoch = 41;
        h.contentCrc = 0xdeadbeef;
        h.payloadBytes = 45;
        h.payloadCrc = 0x12345678;
        return h;
    }

    private static FrameHeader read(ByteBuffer in) {
        in.order(FrameDescriptor.ORDER);
        FrameHeader h = new FrameHeader();
        h.read(in, 0);
        if (h.metaBytes > in.capacity() - FrameDescriptor.HEADER_BYTES) {
            throw FrameException.malformed("truncated");
        }
        h.checkMeta(in, 0);
        if (h.type != FrameType.ENCODED_PAGES) {
            throw FrameException.malformed("another type");
        }
        h.readEncodedRun(in, 0);
        return h;
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocate(FRAME_BYTES).order(FrameDescriptor.ORDER);
    }
}
