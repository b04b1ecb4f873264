package io.decamp.contracts.page;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class EpochDigestTest {
    @Test
    void shouldNotChangeFromVersionToVersion() {
        assertEquals(
                "cd5a8e08bfbc5d53f98f8343f24f1f3a214f45806c55d1ebfd9206eaccbc32ad",
                HexFormat.of().formatHex(digest(h -> {})));
    }

    @Test
    void shouldDependOnEveryFieldThatDefinesTheEpoch() {
        byte[] one = digest(h -> {});
        assertArrayEquals(one, digest(h -> {}));
        assertFalse(Arrays.equals(one, digest(h -> h.generation++)));
        assertFalse(Arrays.equals(one, digest(h -> h.epoch++)));
        assertFalse(Arrays.equals(one, digest(h -> h.sequence++)));
        assertFalse(Arrays.equals(one, digest(h -> h.payloadCrc++)));
        assertFalse(Arrays.equals(one, digest(h -> h.space++)));
        assertFalse(Arrays.equals(one, digest(h -> h.address += 4096)));
    }

    private static byte[] digest(Consumer<FrameHeader> change) {
        FrameHeader h = new FrameHeader();
        h.version = 1;
        h.generation = 1;
        h.epoch = 2;
        h.sequence = 3;
        h.space = 4;
        h.address = 0x5000;
        h.pages = 1;
        h.payloadBytes = 4096;
        h.source = PageSource.BYTES;
        change.accept(h);
        ByteBuffer frame = ByteBuffer.allocate(FrameDescriptor.HEADER_BYTES + FrameDescriptor.RUN_META_BYTES)
                .order(FrameDescriptor.ORDER);
        h.writeRun(frame, 0);
        EpochDigest digest = new EpochDigest();
        digest.add(frame, 0, h.metaBytes);
        return digest.finish();
    }
}
