package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.FrameType;
import io.decamp.contracts.port.PageTransport;
import io.decamp.transfer.engine.wire.FrameInput;
import io.decamp.transfer.engine.wire.FrameOutput;
import io.decamp.transfer.engine.wire.TlsWire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Nodes of two releases: the newer one speaks the older one's version. */
class StreamVersionTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long SLOW = 40_000_000;

    private final List<FrameType> heard = Collections.synchronizedList(new ArrayList<>());

    @Test
    void shouldServeASenderOfVersion1() throws IOException {
        try (TransferFixture nodes = new TransferFixture();
                TlsWire wire = TlsWire.connect(
                        java.nio.channels.SocketChannel.open(nodes.receiver.address()),
                        TransferFixture.alphaTls(),
                        PATIENCE)) {
            FrameInput in = new FrameInput(wire);
            FrameOutput out = new FrameOutput(wire, 1, 1);
            out.write(0, new ControlFrame.Hello("alpha", "beta", "runc:web"));

            assertEquals(1, in.next(PATIENCE).version);

            out.write(1, new ControlFrame.Begin(0));
            out.writeSeal(1, new ControlFrame.Seal(false, List.of(), new byte[FrameDescriptor.DIGEST_BYTES]));
            FrameHeader ack = in.next(PATIENCE);
            assertEquals(FrameType.SEAL_ACK, ack.type);
            assertEquals(1, ack.version);
        }
    }

    @Test
    void shouldSpeakVersion1ToAReceiverThatKnowsNoOther() throws Exception {
        try (TransferFixture nodes = new TransferFixture();
                ServerSocketChannel listener = ServerSocketChannel.open()
                        .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            Thread old = Thread.ofPlatform().start(() -> serve(listener));
            int port = listener.socket().getLocalPort();
            try (PageTransport.Session session = nodes.open(1, port, SLOW)) {
                for (int epoch = 1; epoch <= 3; epoch++) {
                    nodes.ship(session, epoch, 7, false);
                }
            }
            old.join();
            assertEquals(3, heard.stream().filter(type -> type == FrameType.PAGES).count());
            assertEquals(0, heard.stream().filter(type -> type == FrameType.ENCODED_PAGES).count());
        }
    }

    @Test
    void shouldNameTheVersionsWhenThereIsNoCommonOne() throws Exception {
        try (TransferFixture nodes = new TransferFixture();
                ServerSocketChannel listener = ServerSocketChannel.open()
                        .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            Thread stranger = Thread.ofPlatform().start(() -> {
                refuse(listener);
                refuse(listener);
            });

            DecampException e = assertThrows(
                    DecampException.class, () -> nodes.open(1, listener.socket().getLocalPort(), SLOW));

            assertEquals("protocol-version", e.code());
            stranger.join();
        }
    }

    /** As a receiver of the first release does: it refuses the first connection, whose version is greater than 1. */
    private void serve(ServerSocketChannel listener) {
        refuse(listener);
        try (TlsWire wire = TlsWire.accept(listener.accept(), TransferFixture.betaTls(), PATIENCE)) {
            FrameInput in = new FrameInput(wire);
            FrameOutput out = new FrameOutput(wire, 1, 1);
            for (FrameHeader h = in.next(PATIENCE); h != null; h = in.next(PATIENCE)) {
                assertEquals(1, h.version);
                heard.add(h.type);
                if (h.type == FrameType.HELLO) {
                    out.write(0, new ControlFrame.HelloAck("beta", 0));
                } else if (h.type == FrameType.SEAL) {
                    ControlFrame.Seal seal = (ControlFrame.Seal) in.control();
                    out.write(h.epoch, new ControlFrame.SealAck(seal.digest()));
                }
            }
        } catch (IOException closed) {
            heard.add(FrameType.ERROR);
        }
    }

    private static void refuse(ServerSocketChannel listener) {
        try (TlsWire wire = TlsWire.accept(listener.accept(), TransferFixture.betaTls(), PATIENCE)) {
            new FrameInput(wire).next(PATIENCE);
            new FrameOutput(wire, 0, 1)
                    .write(0, new ControlFrame.Failure(
                            DecampException.Category.REFUSED, "protocol-version", "no version in common", "Upgrade"));
            wire.endOutput();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
