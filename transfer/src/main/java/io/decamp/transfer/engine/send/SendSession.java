package io.decamp.transfer.engine.send;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.FrameType;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.v1.Part;
import io.decamp.contracts.v1.WireSavings;
import io.decamp.transfer.engine.encode.SentVersions;
import io.decamp.transfer.engine.wire.FrameInput;
import io.decamp.transfer.engine.wire.FrameOutput;
import io.decamp.transfer.engine.wire.Wire;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * One connection of one generation of a workload. What the receiver says is read before each write, so that its reason
 * is known.
 */
final class SendSession implements PageTransport.Session {
    private static final Logger LOG = Logger.getLogger(SendSession.class);

    /** After a write has failed, the receiver's reason may still be on its way. */
    private static final Duration LAST_WORD = Duration.ofSeconds(2);

    private final Wire wire;
    private final WorkloadId workload;
    private final PageTransport.Target target;
    private final TransportLimits limits;
    private final FrameInput in;
    private final FrameOutput out;
    private final RunSender runs;
    private final PartSender partSender;
    private final List<Part> parts = new ArrayList<>();
    private final MappedSegments segments = new MappedSegments();
    private final ReentrantLock step = new ReentrantLock();
    private final LinkRate link;
    private final SentMemory memory;
    private final WireTotals totals;
    private SentVersions versions;
    private long lastSealed;
    private long openEpoch;
    private long epochStartBytes;
    private DecampException failure;

    /** @param version of the stream; one that the receiver does not speak makes it refuse by name */
    SendSession(
            Wire wire,
            int version,
            WorkloadId workload,
            long generation,
            PageTransport.Target target,
            TransportLimits limits,
            SentMemory memory,
            WireTotals totals)
            throws IOException {
        this.wire = wire;
        this.workload = workload;
        this.target = target;
        this.limits = limits;
        this.memory = memory;
        this.totals = totals;
        in = new FrameInput(wire);
        in.require(version);
        out = new FrameOutput(wire, generation, version);
        link = new LinkRate(wire::read, System::nanoTime, memory.rate(target.destination()));
        TokenBucket cap = new TokenBucket(target.bandwidthBytesPerSecond(), System::nanoTime);
        partSender = new PartSender(out, cap, this::hearPeer);
        out.write(0, new ControlFrame.Hello(
                target.source().value(), target.destination().value(), workload.value()));
        ControlFrame answer = answer(limits.handshake());
        if (!(answer instanceof ControlFrame.HelloAck ack) || !ack.node().equals(target.destination().value())) {
            throw FrameException.malformed("Node " + target.destination() + " answered HELLO with " + answer);
        }
        lastSealed = ack.lastSealedEpoch();
        if (version >= FrameType.ENCODED_PAGES.sinceVersion()) {
            versions = memory.take(workload, target.destination(), generation);
            versions.connected(lastSealed);
        }
        runs = new RunSender(out, cap, this::hearPeer, versions, this::bottleneckBytesPerSecond);
        LOG.debugf("Page stream of %s to %s is open, last sealed epoch %d", workload, target.destination(), lastSealed);
    }

    /** Of the link or of the cap, whichever is less. */
    private long bottleneckBytesPerSecond() {
        long cap = target.bandwidthBytesPerSecond();
        long rate = link.bytesPerSecond();
        return cap <= 0 || rate > 0 && rate < cap ? rate : cap;
    }

    @Override
    public long lastSealedEpoch() {
        return lastSealed;
    }

    @Override
    public void begin(long epoch) {
        if (epoch <= lastSealed) {
            throw new IllegalArgumentException("epoch " + epoch + " is not after " + lastSealed + ", which is sealed");
        }
        run(() -> {
            hearPeer();
            epochStartBytes = wire.bytesOut();
            if (versions != null) {
                versions.broken();
                runs.takeSavings();
            }
            out.write(epoch, new ControlFrame.Begin(lastSealed));
            openEpoch = epoch;
            parts.clear();
            return null;
        });
    }

    @Override
    public void prepare(long epoch, PageRuns pages) {
        requireOpen(epoch);
        run(() -> {
            runs.prepare(epoch, pages);
            return null;
        });
    }

    @Override
    public long send(long epoch, Segment segment) {
        requireOpen(epoch);
        return run(() -> {
            long before = wire.bytesOut();
            link.begin();
            runs.send(epoch, segment.runs(), segment.length() == 0 ? null : segments.map(segment), segment.length());
            link.end();
            return wire.bytesOut() - before;
        });
    }

    @Override
    public long linkBytesPerSecond() {
        return link.bytesPerSecond();
    }

    @Override
    public long sendPart(long epoch, String name, Path file) {
        requireOpen(epoch);
        return run(() -> {
            long before = wire.bytesOut();
            link.begin();
            parts.add(partSender.send(epoch, name, file));
            link.end();
            return wire.bytesOut() - before;
        });
    }

    @Override
    public PageTransport.Seal seal(long epoch, boolean isFinal, List<AddressSpace> spaces) {
        requireOpen(epoch);
        if (spaces.size() > FrameDescriptor.MAX_SPACES) {
            throw DecampException.refused(
                    "too-many-spaces",
                    workload + " has " + spaces.size() + " address spaces, the limit is " + FrameDescriptor.MAX_SPACES,
                    "Split the workload into smaller containers");
        }
        return run(() -> {
            hearPeer();
            link.begin();
            byte[] digest = out.writeSeal(
                    epoch, new ControlFrame.Seal(isFinal, spaces, new byte[FrameDescriptor.DIGEST_BYTES]));
            ControlFrame answer = answer(limits.sealAck());
            if (!(answer instanceof ControlFrame.SealAck ack) || !Arrays.equals(ack.digest(), digest)) {
                throw FrameException.corrupt("Node " + target.destination() + " did not acknowledge epoch " + epoch + " but said "
                        + answer);
            }
            link.drained();
            lastSealed = epoch;
            openEpoch = 0;
            if (versions != null) {
                Set<Long> alive = spaces.stream().map(AddressSpace::id).collect(Collectors.toSet());
                versions.sealed(epoch, alive::contains);
            }
            long wireBytes = wire.bytesOut() - epochStartBytes;
            WireSavings savings = runs.takeSavings();
            totals.add(wireBytes, savings);
            return new PageTransport.Seal(digest, wireBytes, List.copyOf(parts), savings);
        });
    }

    @Override
    public void close() {
        wire.close();
        // whoever is in the middle of a step fails now and cleans up after itself
        if (step.tryLock()) {
            try {
                if (failure == null) {
                    release(null);
                    failure = DecampException.retry(
                            "session-closed", "The page stream of " + workload + " is closed", "Open another session", null);
                }
            } finally {
                step.unlock();
            }
        }
    }

    private interface Step<T> {
        T run() throws IOException;
    }

    private <T> T run(Step<T> work) {
        step.lock();
        try {
            return guarded(work);
        } finally {
            step.unlock();
        }
    }

    private <T> T guarded(Step<T> work) {
        if (failure != null) {
            throw DecampException.retry("session-closed", "The page stream of " + workload + " has failed before",
                    "Open another session", failure);
        }
        try {
            return work.run();
        } catch (DecampException e) {
            throw failed(e);
        } catch (PartSender.UnreadableException e) {
            throw failed(DecampException.abort("part-unreadable", e.getMessage(), "See why the file cannot be read", e.getCause()));
        } catch (IOException e) {
            throw failed(lastWord(e));
        } catch (RuntimeException | Error e) {
            failed(DecampException.fatal("send-failed", "Sending " + workload + " broke off", "Report this error", e));
            throw e;
        }
    }

    private DecampException failed(DecampException e) {
        failure = e;
        wire.close();
        release(e);
        return e;
    }

    /** @param why null when the session was closed by its owner, who may not come back */
    private void release(DecampException why) {
        segments.close();
        runs.close();
        memory.learnt(target.destination(), link.bytesPerSecond());
        if (why != null && why.code().equals(FrameException.CODEC_CODE)) {
            LOG.warnf("Node %s gets pages as bytes from now on: %s", target.destination(), why.getMessage());
            memory.sendPlain(target.destination());
        }
        if (versions != null) {
            if (why != null && why.code().equals(FrameException.BASE_CODE)) {
                LOG.warnf("Pages of %s are sent whole from now on: %s", workload, why.getMessage());
                versions.distrust();
            } else if (why == null) {
                versions.shrink();
            }
            memory.giveBack(workload, target.destination(), versions);
            versions = null;
        }
    }

    /** The receiver says why it ends a connection before it does. */
    private DecampException lastWord(IOException broken) {
        try {
            answer(LAST_WORD);
        } catch (DecampException said) {
            said.addSuppressed(broken);
            return said;
        } catch (IOException e) {
            broken.addSuppressed(e);
        }
        return DecampException.retry(
                "connection-lost",
                "The page stream of " + workload + " to node " + target.destination() + " at " + target.dataAddress() + " broke",
                "Open another session; it tells which epoch was sealed last",
                broken);
    }

    private void requireOpen(long epoch) {
        if (failure == null && (epoch != openEpoch || epoch == 0)) {
            throw new IllegalStateException("epoch " + epoch + " was not begun, open is " + openEpoch);
        }
    }

    /** Between HELLO_ACK and SEAL_ACK the receiver speaks only to say why it gives up. */
    private void hearPeer() throws IOException {
        link.sample();
        if (in.hasInput()) {
            throw FrameException.malformed("Node " + target.destination() + " said " + answer(LAST_WORD) + " unasked");
        }
    }

    private ControlFrame answer(Duration patience) throws IOException {
        FrameHeader header = in.next(patience);
        if (header == null) {
            throw new EOFException("the receiver ended the connection");
        }
        ControlFrame frame = in.control();
        if (frame instanceof ControlFrame.Failure said) {
            throw said.toException();
        }
        return frame;
    }
}
