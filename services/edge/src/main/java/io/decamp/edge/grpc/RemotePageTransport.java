package io.decamp.edge.grpc;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.v1.EpochRef;
import io.decamp.contracts.v1.OpenRequest;
import io.decamp.contracts.v1.PrepareRequest;
import io.decamp.contracts.v1.SealReply;
import io.decamp.contracts.v1.SealRequest;
import io.decamp.contracts.v1.SegmentRef;
import io.decamp.contracts.v1.SendPartRequest;
import io.decamp.contracts.v1.SendReply;
import io.decamp.contracts.v1.SendRequest;
import io.decamp.contracts.v1.TransferGrpc.TransferBlockingStub;
import io.decamp.contracts.v1.WorkloadRef;
import java.nio.file.Path;
import java.util.List;

/** The transfer service of this host when it is a process of its own: it maps the segments that are named to it. */
public final class RemotePageTransport implements PageTransport {
    private static final String PEER = "transfer service";

    private final TransferBlockingStub stub;

    public RemotePageTransport(TransferBlockingStub stub) {
        this.stub = stub;
    }

    @Override
    public Session open(WorkloadId workload, long generation, Target target) {
        long last = Faults.ask(PEER, () -> stub.open(OpenRequest.newBuilder()
                        .setWorkload(workload.value())
                        .setGeneration(generation)
                        .setNode(target.source().value())
                        .setDestination(target.destination().value())
                        .setDataAddress(target.dataAddress())
                        .setBandwidthBytesPerSecond(target.bandwidthBytesPerSecond())
                        .build()))
                .getLastSealedEpoch();
        return new RemoteSession(stub, workload, generation, last);
    }

    private static final class RemoteSession implements Session {
        private final TransferBlockingStub stub;
        private final WorkloadId workload;
        private final long generation;
        private final long lastSealed;
        private volatile long linkBytesPerSecond;

        RemoteSession(TransferBlockingStub stub, WorkloadId workload, long generation, long lastSealed) {
            this.stub = stub;
            this.workload = workload;
            this.generation = generation;
            this.lastSealed = lastSealed;
        }

        @Override
        public long lastSealedEpoch() {
            return lastSealed;
        }

        @Override
        public long linkBytesPerSecond() {
            return linkBytesPerSecond;
        }

        private long sent(SendReply reply) {
            linkBytesPerSecond = reply.getLinkBytesPerSecond();
            return reply.getWireBytes();
        }

        @Override
        public void begin(long epoch) {
            Faults.ask(PEER, () -> stub.begin(EpochRef.newBuilder()
                    .setWorkload(workload.value())
                    .setGeneration(generation)
                    .setEpoch(epoch)
                    .build()));
        }

        @Override
        public void prepare(long epoch, PageRuns runs) {
            Faults.ask(PEER, () -> stub.prepare(PrepareRequest.newBuilder()
                    .setWorkload(workload.value())
                    .setGeneration(generation)
                    .setEpoch(epoch)
                    .setRuns(RunsCodec.toMessage(runs))
                    .build()));
        }

        @Override
        public long send(long epoch, Segment segment) {
            return sent(Faults.ask(PEER, () -> stub.send(SendRequest.newBuilder()
                            .setWorkload(workload.value())
                            .setGeneration(generation)
                            .setEpoch(epoch)
                            .setSegment(SegmentRef.newBuilder()
                                    .setPath(segment.file().toString())
                                    .setOffset(segment.offset())
                                    .setLength(segment.length())
                                    .setRuns(RunsCodec.toMessage(segment.runs())))
                            .build())));
        }

        @Override
        public long sendPart(long epoch, String name, Path file) {
            return sent(Faults.ask(PEER, () -> stub.sendPart(SendPartRequest.newBuilder()
                            .setWorkload(workload.value())
                            .setGeneration(generation)
                            .setEpoch(epoch)
                            .setName(name)
                            .setPath(file.toString())
                            .build())));
        }

        @Override
        public Seal seal(long epoch, boolean isFinal, List<AddressSpace> spaces) {
            SealReply r = Faults.ask(PEER, () -> stub.seal(SealRequest.newBuilder()
                    .setWorkload(workload.value())
                    .setGeneration(generation)
                    .setEpoch(epoch)
                    .setFinal(isFinal)
                    .addAllSpaces(RunsCodec.toMessages(spaces))
                    .build()));
            return new Seal(r.getDigest().toByteArray(), r.getWireBytes(), r.getPartsList(), r.getSavings());
        }

        @Override
        public void close() {
            Faults.ask(PEER, () -> stub.close(
                    WorkloadRef.newBuilder().setWorkload(workload.value()).build()));
        }
    }
}
