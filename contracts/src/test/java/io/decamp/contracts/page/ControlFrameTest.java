package io.decamp.contracts.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ControlFrameTest {
    private static final byte[] DIGEST = digest();

    /** The meta of every control frame of version 1, written once and decoded for ever. */
    private static final Map<ControlFrame, String> GOLDEN = Map.of(
            new ControlFrame.Hello("a", "b", "runc:x"), "0100" + "61" + "0100" + "62" + "0600" + "72756e633a78",
            new ControlFrame.HelloAck("b", 258), "0100" + "62" + "0201000000000000",
            new ControlFrame.Begin(5), "0500000000000000",
            new ControlFrame.PartChunk("core-1.img", 4097, 4096),
                    "0a00" + "636f72652d312e696d67" + "0110000000000000" + "0010000000000000",
            new ControlFrame.Seal(true, List.of(new AddressSpace(3, 17)), DIGEST),
                    "01" + "01000000" + "0300000000000000" + "11000000" + HexFormat.of().formatHex(DIGEST),
            new ControlFrame.SealAck(DIGEST), HexFormat.of().formatHex(DIGEST),
            new ControlFrame.Failure(Category.RETRY, "c", "t", "é"), "01" + "0100" + "63" + "0100" + "74" + "0200" + "c3a9");

    static Stream<ControlFrame> all() {
        return GOLDEN.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldWriteTheGoldenBytesOfVersion1(ControlFrame frame) {
        assertEquals(GOLDEN.get(frame), HexFormat.of().formatHex(meta(frame)));
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldReadTheGoldenBytesOfVersion1(ControlFrame frame) {
        assertEquals(frame, read(frame.type(), HexFormat.of().parseHex(GOLDEN.get(frame))));
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldRefuseEveryTruncation(ControlFrame frame) {
        byte[] whole = meta(frame);
        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            DecampException e = assertThrows(DecampException.class, () -> read(frame.type(), part));
            assertEquals("frame-malformed", e.code());
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldRefuseTrailingBytes(ControlFrame frame) {
        byte[] longer = Arrays.copyOf(meta(frame), meta(frame).length + 1);
        assertThrows(DecampException.class, () -> read(frame.type(), longer));
    }

    @Test
    void shouldRefuseASealThatListsMoreSpacesThanAllowed() {
        ByteBuffer meta = ByteBuffer.allocate(5).order(FrameDescriptor.ORDER).put((byte) 0).putInt(Integer.MAX_VALUE);
        DecampException e = assertThrows(DecampException.class, () -> read(FrameType.SEAL, meta.array()));
        assertTrue(e.getMessage().contains("2147483647"), e.getMessage());
    }

    @Test
    void shouldFitTheLongestSealIntoTheLimitOfAFrame() {
        AddressSpace[] spaces = new AddressSpace[FrameDescriptor.MAX_SPACES];
        Arrays.fill(spaces, new AddressSpace(Long.MAX_VALUE, Integer.MAX_VALUE));
        ByteBuffer out = ByteBuffer.allocate(FrameDescriptor.MAX_META_BYTES).order(FrameDescriptor.ORDER);
        new ControlFrame.Seal(true, List.of(spaces), DIGEST).writeMeta(out);
        assertTrue(out.position() <= FrameDescriptor.MAX_META_BYTES);
    }

    @Test
    void shouldCutATextThatIsTooLongBetweenCharacters() {
        ControlFrame.Failure longText = new ControlFrame.Failure(Category.ABORT, "c", "€".repeat(3000), "");
        ControlFrame.Failure back = (ControlFrame.Failure) read(FrameType.ERROR, meta(longText));
        assertEquals("€".repeat(FrameDescriptor.MAX_TEXT_BYTES / 3), back.text());
    }

    private static ControlFrame read(FrameType type, byte[] meta) {
        return ControlFrame.read(type, ByteBuffer.wrap(meta).order(FrameDescriptor.ORDER));
    }

    private static byte[] meta(ControlFrame frame) {
        ByteBuffer out = ByteBuffer.allocate(FrameDescriptor.MAX_META_BYTES).order(FrameDescriptor.ORDER);
        frame.writeMeta(out);
        return Arrays.copyOf(out.array(), out.position());
    }

    private static byte[] digest() {
        byte[] digest = new byte[FrameDescriptor.DIGEST_BYTES];
        for (int i = 0; i < digest.length; i++) {
            digest[i] = (byte) (i * 7);
        }
        return digest;
    }
}
