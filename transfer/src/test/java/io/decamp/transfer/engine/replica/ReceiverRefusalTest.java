package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.PageSource;
import io.decamp.transfer.engine.wire.FrameInput;
import io.decamp.transfer.engine.wire.TlsWire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A trusted sender that breaks the protocol: each time the receiver says why, and what is sealed stays. */
class ReceiverRefusalTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final ControlFrame.Hello HELLO = new ControlFrame.Hello("alpha", "beta", "runc:web");

    private TransferFixture nodes;
    private TlsWire wire;
    private FrameInput in;
    private long sequence;
    private long generation = 5;
    private byte[] lastFrame;

    @BeforeEach
    void sealOneEpoch() throws IOException {
        nodes = new TransferFixture();
        nodes.ship(nodes.open(5), 1, 7, true);
        wire = TlsWire.connect(SocketChannel.open(nodes.receiver.address()), TransferFixture.alphaTls(), PATIENCE);
        in = new FrameInput(wire);
    }

    @AfterEach
    void stop() throws IOException {
        wire.close();
        assertEquals(1, nodes.store.sealed(TransferFixture.WORKLOAD, 5).orElseThrow().epoch());
        assertEquals(7, nodes.page(5, 1, 0x10000)[0]);
        nodes.close();
    }

    @Test
    void shouldRefuseASequenceGap() throws IOException {
        greet();
        sequence++;
        send(2, new ControlFrame.Begin(1));
        assertRefused("frame-malformed", "Frame 2 came where frame 1 was expected");
    }

    @Test
    void shouldRefuseAReplayedFrame() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        sendPages(2, 0x10000, 0);
        write(lastFrame);
        assertRefused("frame-malformed", "Frame 2 came where frame 3");
    }

    @Test
    void shouldRefusePagesOfAnotherEpoch() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        sendPages(3, 0x10000, 0);
        assertRefused("frame-malformed", "epoch 3 came while epoch 2");
    }

    @Test
    void shouldRefusePagesBeforeAnEpochHasBegun() throws IOException {
        greet();
        sendPages(0, 0x10000, 0);
        assertRefused("frame-malformed", "while epoch 0 is open");
    }

    @Test
    void shouldRefuseAFrameOfAnotherGeneration() throws IOException {
        greet();
        generation = 4;
        send(2, new ControlFrame.Begin(1));
        assertRefused("frame-malformed", "generation 4");
    }

    @Test
    void shouldRefuseAnEpochThatDoesNotBuildOnTheSealedOne() throws IOException {
        greet();
        send(3, new ControlFrame.Begin(2));
        assertRefused("epoch-mismatch", "builds on epoch 2, sealed here is 1");
    }

    @Test
    void shouldRefuseASealedEpochThatIsSentAgain() throws IOException {
        greet();
        send(1, new ControlFrame.Begin(1));
        assertRefused("epoch-mismatch", "Epoch 1");
    }

    @Test
    void shouldRefusePagesWithABadChecksum() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        sendPages(2, 0x10000, 1);
        assertRefused("frame-corrupt", "0x10000 of address space 1");
    }

    @Test
    void shouldRefusePagesOutsideUserSpace() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        sendPages(2, 1L << 47, 0);
        assertRefused("frame-malformed", "0x800000000000");
    }

    @Test
    void shouldRefuseASealWhoseDigestIsNotThatOfWhatCame() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        sendPages(2, 0x10000, 0);
        send(2, new ControlFrame.Seal(true, List.of(new AddressSpace(1, 1)), new byte[32]));
        assertRefused("frame-corrupt", "epoch 2");
    }

    @Test
    void shouldRefuseAConversationWithoutHello() throws IOException {
        send(2, new ControlFrame.Begin(1));
        assertRefused("frame-malformed", "starts with HELLO");
    }

    @Test
    void shouldRefuseASecondHello() throws IOException {
        greet();
        send(0, HELLO);
        assertRefused("frame-malformed", "HELLO");
    }

    @Test
    void shouldRefuseAFutureVersionByName() throws IOException {
        ByteBuffer frame = frame(0, HELLO);
        frame.putShort(FrameDescriptor.VERSION_OFFSET, (short) 9);
        write(frame.array());
        assertRefused("protocol-version", "version 9");
    }

    @Test
    void shouldRefuseWhatIsNotThePageStream() throws IOException {
        write("GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n".getBytes());
        assertRefused("frame-malformed", "magic");
    }

    @Test
    void shouldRefuseToBeTakenForAnotherNode() throws IOException {
        send(0, new ControlFrame.Hello("alpha", "gamma", "runc:web"));
        assertRefused("wrong-destination", "gamma");
    }

    @Test
    void shouldRefuseSameAsOfASpaceThatIsNotThere() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        FrameHeader run = run(2, 0x10000);
        run.source = PageSource.SAME_AS;
        run.sameAs = 77;
        ByteBuffer out = buffer(FrameDescriptor.RUN_META_BYTES);
        run.writeRun(out, 0);
        write(out.array());
        assertRefused("frame-malformed", "address space 77");
    }

    @Test
    void shouldRefuseAGapInAPart() throws IOException {
        greet();
        send(2, new ControlFrame.Begin(1));
        send(2, new ControlFrame.PartChunk("core", 100, 50));
        assertRefused("frame-malformed", "core");
    }

    private void greet() throws IOException {
        send(0, HELLO);
        in.next(PATIENCE);
        assertEquals(new ControlFrame.HelloAck("beta", 1), in.control());
    }

    private void send(long epoch, ControlFrame frame) throws IOException {
        write(frame(epoch, frame).array());
    }

    private ByteBuffer frame(long epoch, ControlFrame frame) {
        ByteBuffer meta = buffer(4096).position(FrameDescriptor.HEADER_BYTES);
        frame.writeMeta(meta);
        FrameHeader h = header(epoch);
        h.type = frame.type();
        h.metaBytes = meta.position() - FrameDescriptor.HEADER_BYTES;
        ByteBuffer out = buffer(h.metaBytes).put(0, meta, 0, meta.position());
        h.write(out, 0);
        return out;
    }

    private void sendPages(long epoch, long address, int crcError) throws IOException {
        FrameHeader run = run(epoch, address);
        run.payloadBytes = 4096;
        run.source = PageSource.BYTES;
        CRC32C crc = new CRC32C();
        crc.update(new byte[4096]);
        run.payloadCrc = (int) crc.getValue() + crcError;
        ByteBuffer out = buffer(FrameDescriptor.RUN_META_BYTES + 4096);
        run.writeRun(out, 0);
        write(out.array());
    }

    private FrameHeader run(long epoch, long address) {
        FrameHeader run = header(epoch);
        run.space = 1;
        run.address = address;
        run.pages = 1;
        return run;
    }

    private FrameHeader header(long epoch) {
        FrameHeader h = new FrameHeader();
        h.generation = generation;
        h.epoch = epoch;
        h.sequence = sequence++;
        return h;
    }

    private static ByteBuffer buffer(int metaAndPayload) {
        return ByteBuffer.allocate(FrameDescriptor.HEADER_BYTES + metaAndPayload).order(FrameDescriptor.ORDER);
    }

    private void write(byte[] frame) throws IOException {
        lastFrame = frame;
        wire.write(new ByteBuffer[] {ByteBuffer.wrap(frame)}, 1);
        wire.flush();
    }

    private void assertRefused(String code, String datum) throws IOException {
        in.next(PATIENCE);
        ControlFrame.Failure said = assertInstanceOf(ControlFrame.Failure.class, in.control());
        assertEquals(code, said.code(), said.text());
        assertTrue(said.text().contains(datum), said.text());
    }
}
