package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.Zstd;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.PageCodec;
import io.decamp.transfer.engine.wire.FrameInput;
import io.decamp.transfer.engine.wire.FrameOutput;
import io.decamp.transfer.engine.wire.TlsWire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import net.jpountz.lz4.LZ4Factory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A trusted sender whose encoded pages are not what they should be: nothing of them is kept, and the receiver lives on. */
class EncodedRefusalTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final byte[] SEALED = filled(7);

    private TransferFixture nodes;
    private TlsWire wire;
    private FrameInput in;
    private long sealed = 1;

    @BeforeEach
    void sealOneEpoch() throws IOException {
        nodes = new TransferFixture();
        nodes.ship(nodes.open(5), 1, 7, true);
    }

    @AfterEach
    void stop() throws IOException {
        assertEquals(sealed, nodes.store.sealed(TransferFixture.WORKLOAD, 5).orElseThrow().epoch());
        assertEquals(7, nodes.page(5, 1, 0x10000)[0]);
        nodes.close();
    }

    private void begin(int version) throws IOException {
        wire = TlsWire.connect(SocketChannel.open(nodes.receiver.address()), TransferFixture.alphaTls(), PATIENCE);
        in = new FrameInput(wire);
        FrameOutput out = new FrameOutput(wire, 5, version);
        out.write(0, new ControlFrame.Hello("alpha", "beta", "runc:web"));
        assertEquals(version, in.next(PATIENCE).version);
        out.write(2, new ControlFrame.Begin(1));
    }

    @Test
    void shouldRefuseLessOrMoreThanThePagesOfTheRun() throws IOException {
        assertRefused("frame-malformed", "decoded to 4095 bytes", PageCodec.LZ4, lz4(new byte[4095]), h -> {});
        assertRefused("frame-malformed", "cannot be decoded", PageCodec.LZ4, lz4(new byte[4097]), h -> {});
        assertRefused("frame-malformed", "decoded to 4095 bytes", PageCodec.ZSTD, Zstd.compress(new byte[4095]), h -> {});
        assertRefused("frame-malformed", "cannot be decoded", PageCodec.ZSTD, Zstd.compress(new byte[4097]), h -> {});
    }

    @Test
    void shouldRefuseABombBeforeItIsUnpacked() throws IOException {
        byte[] bomb = lz4(new byte[1 << 20]);
        assertRefused("frame-malformed", "is encoded in", PageCodec.LZ4, bomb, h -> {});
        assertRefused("frame-malformed", "cannot be decoded", PageCodec.ZSTD, Zstd.compress(new byte[64 << 20]), h -> {});
    }

    @Test
    void shouldRefuseNoise() throws IOException {
        long seed = Long.getLong("decamp.seed", System.nanoTime());
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 30; i++) {
            byte[] noise = new byte[1 + random.nextInt(200)];
            random.nextBytes(noise);
            PageCodec codec = PageCodec.values()[random.nextInt(3)];
            String code = send(codec, noise, h -> h.baseEpoch = codec.isBased() ? 1 : 0).code();
            assertTrue(code.matches("frame-malformed|frame-corrupt|page-base-mismatch"), "seed " + seed + ": " + code);
        }
    }

    @Test
    void shouldRefusePagesThatAreDecodedToSomethingElseThanWasSent() throws IOException {
        byte[] zeros = lz4(new byte[4096]);
        assertRefused("frame-corrupt", "other pages", PageCodec.LZ4, zeros, h -> h.contentCrc++);
    }

    @Test
    void shouldRefuseAChangeOfAnotherVersionThanTheSealedOne() throws IOException {
        byte[] none = lz4(new byte[4096]);
        assertRefused("page-base-mismatch", "other pages", PageCodec.XOR_LZ4, none, h -> {
            h.baseEpoch = 1;
            h.contentCrc = crc(filled(8));
        });
    }

    @Test
    void shouldRefuseAChangeOfAnotherEpoch() throws IOException {
        nodes.ship(nodes.open(5), 2, 7, true);
        sealed = 2;
        wire = TlsWire.connect(SocketChannel.open(nodes.receiver.address()), TransferFixture.alphaTls(), PATIENCE);
        in = new FrameInput(wire);
        FrameOutput out = new FrameOutput(wire, 5, 2);
        out.write(0, new ControlFrame.Hello("alpha", "beta", "runc:web"));
        in.next(PATIENCE);
        out.write(3, new ControlFrame.Begin(2));
        ByteBuffer same = ByteBuffer.wrap(SEALED);
        out.addEncodedRun(3, 1, 0x10000, 1, PageCodec.XOR_LZ4, 1, same, ByteBuffer.wrap(lz4(new byte[4096])));
        out.flushRuns();
        assertEquals("page-base-mismatch", failure().code());
        wire.close();
    }

    @Test
    void shouldRefuseAChangeOfASpaceThatIsNotThere() throws IOException {
        assertRefused("page-base-mismatch", "Address space 99", PageCodec.XOR_LZ4, lz4(new byte[4096]), h -> {
            h.baseEpoch = 1;
            h.space = 99;
        });
    }

    @Test
    void shouldRefuseEncodedPagesInAStreamOfVersion1() throws IOException {
        begin(1);
        FrameOutput out = new FrameOutput(wire, 5, 2);
        out.addEncodedRun(
                2, 1, 0x10000, 1, PageCodec.LZ4, 0, ByteBuffer.wrap(SEALED), ByteBuffer.wrap(lz4(SEALED)));
        out.flushRuns();
        assertTrue(failure().text().contains("version 2 came in a stream of version 1"));
        wire.close();
    }

    private void assertRefused(String code, String datum, PageCodec codec, byte[] payload, Consumer<FrameHeader> lie)
            throws IOException {
        ControlFrame.Failure said = send(codec, payload, lie);
        assertEquals(code, said.code(), said.text());
        assertTrue(said.text().contains(datum), said.text());
    }

    private ControlFrame.Failure send(PageCodec codec, byte[] payload, Consumer<FrameHeader> lie) throws IOException {
        begin(2);
        FrameHeader h = new FrameHeader();
        h.generation = 5;
        h.epoch = 2;
        h.sequence = 2;
        h.space = 1;
        h.address = 0x10000;
        h.pages = 1;
        h.codec = codec;
        h.payloadBytes = payload.length;
        h.payloadCrc = crc(payload);
        h.contentCrc = crc(new byte[4096]);
        lie.accept(h);
        int head = FrameDescriptor.HEADER_BYTES + FrameDescriptor.ENCODED_META_BYTES;
        ByteBuffer frame = ByteBuffer.allocate(head + payload.length).order(FrameDescriptor.ORDER);
        h.writeEncodedRun(frame, 0);
        frame.put(head, payload);
        wire.write(new ByteBuffer[] {frame}, 1);
        wire.flush();
        ControlFrame.Failure said = failure();
        wire.close();
        return said;
    }

    private ControlFrame.Failure failure() throws IOException {
        in.next(PATIENCE);
        return assertInstanceOf(ControlFrame.Failure.class, in.control());
    }

    private static byte[] lz4(byte[] pages) {
        return LZ4Factory.fastestInstance().fastCompressor().compress(pages);
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    private static byte[] filled(int fill) {
        byte[] page = new byte[4096];
        Arrays.fill(page, (byte) fill);
        return page;
    }
}
