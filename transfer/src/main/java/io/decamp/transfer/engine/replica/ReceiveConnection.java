package io.decamp.transfer.engine.replica;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.EpochDigest;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.FrameType;
import io.decamp.transfer.engine.tls.PeerIdentity;
import io.decamp.transfer.engine.wire.FrameInput;
import io.decamp.transfer.engine.wire.FrameOutput;
import io.decamp.transfer.engine.wire.PlainWire;
import io.decamp.transfer.engine.wire.TlsWire;
import io.decamp.transfer.engine.wire.Wire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
import org.jboss.logging.Logger;

/** One page stream at its receiver. Whatever ends it, a half-received epoch is forgotten and the sealed one stays. */
final class ReceiveConnection {
    private static final Logger LOG = Logger.getLogger(ReceiveConnection.class);

    /** How long to go on reading after an ERROR, so that a reset does not overtake it. */
    private static final Duration LINGER = Duration.ofSeconds(5);

    private final NodeId node;
    private final ReplicaStore store;
    private final SSLContext tls;
    private final ReceiverLimits limits;
    private final SocketChannel channel;
    private final EpochDigest digest = new EpochDigest();
    private volatile Wire wire;
    private volatile boolean evicted;
    private FrameInput in;
    private FrameOutput out;
    private long generation;
    private WorkloadId workload;

    ReceiveConnection(NodeId node, ReplicaStore store, SSLContext tls, ReceiverLimits limits, SocketChannel channel) {
        this.node = node;
        this.store = store;
        this.tls = tls;
        this.limits = limits;
        this.channel = channel;
    }

    /** Makes {@link #run} return soon; from any thread. */
    void end() {
        evicted = true;
        Wire open = wire;
        if (open != null) {
            open.close();
        } else {
            try {
                channel.close();
            } catch (IOException e) {
                LOG.debug("Cannot close a page stream", e);
            }
        }
    }

    void run() {
        try {
            wire = tls == null ? new PlainWire(channel) : TlsWire.accept(channel, tls, limits.handshake());
            if (evicted) {
                return;
            }
            converse();
        } catch (IOException e) {
            String why = evicted ? "another connection or a shutdown took its place" : e.toString();
            LOG.infof("Page stream of %s ended: %s", workload == null ? "an unknown sender" : workload, why);
        } catch (RuntimeException | Error e) {
            LOG.errorf(e, "Page stream of %s broke off", workload);
        } finally {
            end();
        }
    }

    private void converse() throws IOException {
        in = new FrameInput(wire);
        // until it is known what the sender speaks, whatever every sender reads
        out = new FrameOutput(wire, 0, FrameDescriptor.OLDEST_VERSION);
        try {
            greet();
        } catch (DecampException e) {
            LOG.infof("Page stream of %s refused: %s: %s", workload, e.code(), e.getMessage());
            say(e);
        }
    }

    private void greet() throws IOException {
        FrameHeader header = in.next(limits.handshake());
        if (header == null) {
            return;
        }
        if (header.type != FrameType.HELLO || !(in.control() instanceof ControlFrame.Hello hello)) {
            throw FrameException.malformed("A page stream starts with HELLO, not " + header.type);
        }
        if (tls != null) {
            PeerIdentity.require(((TlsWire) wire).session(), new NodeId(hello.node()));
        }
        if (!hello.destination().equals(node.value())) {
            throw DecampException.refused(
                    "wrong-destination",
                    "This is node " + node + ", node " + hello.node() + " wants to reach " + hello.destination(),
                    "Check the data address that the destination announces");
        }
        if (header.generation <= 0) {
            throw FrameException.malformed("Generation " + header.generation + " is not greater than 0");
        }
        workload = new WorkloadId(hello.workload());
        generation = header.generation;
        in.require(header.version);
        out = new FrameOutput(wire, generation, header.version);
        try (ReplicaStore.Lease lease = store.lease(workload, generation, this::end)) {
            Replica replica = lease.replica();
            try {
                out.write(0, new ControlFrame.HelloAck(node.value(), replica.lastSealedEpoch()));
                boolean more;
                do {
                    more = receive(lease, replica);
                } while (more);
            } catch (DecampException e) {
                // the sender may connect again at once: what is half received is gone before it is told
                replica.abandon(e.code());
                throw e;
            } finally {
                replica.abandon("the connection ended");
            }
        }
    }

    /** @return false when the sender has ended the stream */
    private boolean receive(ReplicaStore.Lease lease, Replica replica) throws IOException {
        long open = replica.receivingEpoch();
        FrameHeader header = in.next(open == 0 ? limits.betweenEpochs() : limits.withinEpoch());
        if (header == null) {
            return false;
        }
        if (header.generation != generation) {
            throw FrameException.malformed(
                    "A frame of generation " + header.generation + " came in a stream of generation " + generation);
        }
        if (header.type != FrameType.BEGIN && (header.epoch != open || open == 0)) {
            throw FrameException.malformed(
                    "A " + header.type + " frame of epoch " + header.epoch + " came while epoch " + open + " is open");
        }
        switch (header.type) {
            case BEGIN -> {
                replica.begin(header.epoch, ((ControlFrame.Begin) in.control()).baseEpoch());
                digest.reset();
                in.addTo(digest);
            }
            case PAGES -> {
                in.readRun();
                in.checkPayload();
                in.addTo(digest);
                replica.pages(header, in.payload(), lease::dropOlder);
            }
            case ENCODED_PAGES -> {
                in.readEncodedRun();
                in.checkPayload();
                in.addTo(digest);
                replica.encodedPages(header, in.payload(), lease::dropOlder);
            }
            case PART -> {
                in.addTo(digest);
                replica.part((ControlFrame.PartChunk) in.control(), header.payloadCrc, in.payload(), lease::dropOlder);
            }
            case PREPARE -> prepare(replica, in.meta());
            case SEAL -> seal(lease, replica, header.epoch, (ControlFrame.Seal) in.control());
            case HELLO, HELLO_ACK, SEAL_ACK, ERROR ->
                throw FrameException.malformed("A " + header.type + " frame cannot come from a sender now");
        }
        return true;
    }

    private static void prepare(Replica replica, ByteBuffer hints) {
        while (hints.remaining() >= FrameDescriptor.HINT_BYTES) {
            replica.prepare(hints.getLong(), hints.getLong(), hints.getInt());
        }
        if (hints.hasRemaining()) {
            throw FrameException.malformed("A PREPARE frame has " + hints.remaining() + " bytes too many");
        }
    }

    private void seal(ReplicaStore.Lease lease, Replica replica, long epoch, ControlFrame.Seal seal) throws IOException {
        in.addTo(digest);
        byte[] computed = digest.finish();
        if (!Arrays.equals(computed, seal.digest())) {
            throw FrameException.corrupt("What was received of epoch " + epoch + " of " + workload + " is not what was sent");
        }
        replica.seal(seal);
        lease.outdateOlder();
        out.write(epoch, new ControlFrame.SealAck(computed));
    }

    private void say(DecampException e) throws IOException {
        out.write(0, new ControlFrame.Failure(e.category(), e.code(), e.getMessage(), e.advice()));
        wire.endOutput();
        long deadline = System.nanoTime() + LINGER.toNanos();
        ByteBuffer rest = ByteBuffer.allocate(64 << 10);
        Duration left = LINGER;
        while (left.isPositive() && wire.read(rest.clear(), left) >= 0) {
            left = Duration.ofNanos(deadline - System.nanoTime());
        }
    }
}
