package io.decamp.contracts.page;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class FrameHeaderTest {
    /** Version 1, written once and decoded for ever. */
    private static final String GOLDEN_BYTES_RUN = "44435053" + "0100" + "0500" + "20000000" + "00200000"
            + "0700000000000000" + "2a00000000000000" + "0900000000000000" + "78563412" + "2d643dd0"
            + "0300000000000000" + "0010adfbca7f0000" + "02000000" + "01000000" + "0000000000000000";

    @Test
    void shouldWriteTheGoldenBytesOfVersion1() {
        ByteBuffer out = buffer();
        bytesRun().writeRun(out, 0);
        assertEquals(GOLDEN_BYTES_RUN, HexFormat.of().formatHex(array(out)));
    }

    @Test
    void shouldReadTheGoldenBytesOfVersion1() {
        FrameHeader read = read(ByteBuffer.wrap(HexFormat.of().parseHex(GOLDEN_BYTES_RUN)));
        assertEquals(FrameType.PAGES, read.type);
        assertEquals(7, read.generation);
        assertEquals(42, read.epoch);
        assertEquals(9, read.sequence);
        assertEquals(0x12345678, read.payloadCrc);
        assertEquals(3, read.space);
        assertEquals(0x7fcafbad1000L, read.address);
        assertEquals(2, read.pages);
        assertEquals(PageSource.BYTES, read.source);
        assertEquals(8192, read.payloadBytes);
    }

    @Test
    void shouldReadBackASameAsRunAtAnyOffset() {
        FrameHeader h = bytesRun();
        h.source = PageSource.SAME_AS;
        h.sameAs = 4;
        h.payloadBytes = 0;
        ByteBuffer out = ByteBuffer.allocateDirect(200).order(FrameDescriptor.ORDER);
        h.writeRun(out, 33);
        FrameHeader back = new FrameHeader();
        back.read(out, 33);
        back.checkMeta(out, 33);
        back.readRun(out, 33);
        assertEquals(4, back.sameAs);
        assertEquals(PageSource.SAME_AS, back.source);
    }

    @Test
    void shouldNoticeEveryFlippedBit() {
        byte[] good = HexFormat.of().parseHex(GOLDEN_BYTES_RUN);
        for (int bit = 0; bit < good.length * 8; bit++) {
            byte[] bad = good.clone();
            bad[bit / 8] ^= (byte) (1 << bit % 8);
            assertThrows(DecampException.class, () -> read(ByteBuffer.wrap(bad)), "bit " + bit);
        }
    }

    @Test
    void shouldRefuseAFutureVersionByName() {
        assertRefused("protocol-version", out -> out.putShort(FrameDescriptor.VERSION_OFFSET, (short) 3), h -> {});
    }

    @Test
    void shouldRefuseWrongMagic() {
        assertRefused("frame-malformed", out -> out.putInt(0, 0x464c457f), h -> {});
    }

    @Test
    void shouldRefuseAbsurdLengthsBeforeAnythingIsAllocated() {
        assertRefused("frame-malformed", out -> out.putInt(FrameDescriptor.META_BYTES_OFFSET, -1), h -> {});
        assertRefused("frame-malformed", out -> out.putInt(FrameDescriptor.PAYLOAD_BYTES_OFFSET, 1 << 30), h -> {});
    }

    @Test
    void shouldRefuseAnUnknownPageSourceByName() {
        ByteBuffer out = buffer();
        FrameHeader h = bytesRun();
        h.writeRun(out, 0);
        out.putInt(FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_SOURCE_OFFSET, 4);
        h.write(out, 0);
        DecampException e = assertThrows(DecampException.class, () -> read(out));
        assertEquals("page-source-unknown", e.code());
    }

    @Test
    void shouldRefuseRunsThatAreNotUserPages() {
        assertRefused("frame-malformed", out -> {}, h -> h.address = 0x7fcafbad1001L);
        assertRefused("frame-malformed", out -> {}, h -> h.address = FrameDescriptor.USER_SPACE_BYTES - 4096);
        assertRefused("frame-malformed", out -> {}, h -> h.address = -4096);
        assertRefused("frame-malformed", out -> {}, h -> h.space = 0);
        assertRefused("frame-malformed", out -> {}, h -> h.pages = 0);
        assertRefused("frame-malformed", out -> {}, h -> {
            h.source = PageSource.ZERO;
            h.payloadBytes = 0;
            h.pages = Integer.MIN_VALUE;
        });
    }

    @Test
    void shouldRefuseRunsWhoseLengthDoesNotFitTheirPayloadOrSource() {
        assertRefused("frame-malformed", out -> {}, h -> h.payloadBytes = 4096);
        assertRefused("frame-malformed", out -> {}, h -> {
            h.pages = FrameDescriptor.MAX_BYTES_PAGES + 1;
            h.payloadBytes = h.pages * 4096;
        });
        assertRefused("frame-malformed", out -> {}, h -> {
            h.source = PageSource.SAME_AS;
            h.sameAs = h.space;
            h.payloadBytes = 0;
        });
        assertRefused("frame-malformed", out -> {}, h -> h.sameAs = 5);
    }

    private static void assertRefused(String code, Consumer<ByteBuffer> damage, Consumer<FrameHeader> lie) {
        ByteBuffer out = buffer();
        FrameHeader h = bytesRun();
        lie.accept(h);
        h.writeRun(out, 0);
        damage.accept(out);
        DecampException e = assertThrows(DecampException.class, () -> read(out));
        assertEquals(code, e.code(), e.getMessage());
    }

    private static FrameHeader bytesRun() {
        FrameHeader h = new FrameHeader();
        h.version = 1;
        h.generation = 7;
        h.epoch = 42;
        h.sequence = 9;
        h.space = 3;
        h.address = 0x7fcafbad1000L;
        h.pages = 2;
        h.source = PageSource.BYTES;
        h.payloadBytes = 8192;
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
        h.readRun(in, 0);
        return h;
    }

    private static ByteBuffer buffer() {
        return ByteBuffer.allocate(FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_META_BYTES)
                .order(FrameDescriptor.ORDER);
    }

    private static byte[] array(ByteBuffer b) {
        byte[] copy = new byte[b.capacity()];
        b.get(0, copy);
        assertArrayEquals(b.array(), copy);
        return copy;
    }
}
