package io.decamp.edge.grpc;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.v1.DeferRequest;
import io.decamp.contracts.v1.EpochRef;
import io.decamp.contracts.v1.IntrospectorGrpc.IntrospectorBlockingStub;
import io.decamp.contracts.v1.ReadRequest;
import io.decamp.contracts.v1.ScanReply;
import io.decamp.contracts.v1.ScanRequest;
import io.decamp.contracts.v1.SegmentRef;
import io.decamp.contracts.v1.TrackReply;
import io.decamp.contracts.v1.TrackRequest;
import io.decamp.contracts.v1.WorkloadRef;
import java.nio.file.Path;

/** The introspector of this host when it is a process of its own. Pages stay in the segments that both sides map. */
public final class RemoteMemorySource implements MemorySource {
    private static final String PEER = "introspector";

    private final IntrospectorBlockingStub stub;

    public RemoteMemorySource(IntrospectorBlockingStub stub) {
        this.stub = stub;
    }

    @Override
    public Tracking track(WorkloadId workload, long generation) {
        TrackReply r = Faults.ask(PEER, () -> stub.track(TrackRequest.newBuilder()
                .setWorkload(workload.value())
                .setGeneration(generation)
                .build()));
        return new Tracking(RunsCodec.fromMessages(r.getSpacesList()), r.getStoppedMicrosMax());
    }

    @Override
    public Scan scan(WorkloadId workload, long epoch, Tasks tasks, PageRuns open) {
        ScanReply r = Faults.ask(PEER, () -> stub.scan(ScanRequest.newBuilder()
                .setWorkload(workload.value())
                .setEpoch(epoch)
                .setTasks(ScanRequest.Tasks.valueOf(tasks.name()))
                .setOpen(RunsCodec.toMessage(open))
                .build()));
        return new Scan(
                RunsCodec.fromMessages(r.getSpacesList()),
                RunsCodec.fromMessage(r.getRuns()),
                r.getTrackedBytes(),
                r.getScanMicros(),
                r.getEverything());
    }

    @Override
    public Segment read(WorkloadId workload, long epoch, PageRuns runs) {
        SegmentRef r = Faults.ask(PEER, () -> stub.read(ReadRequest.newBuilder()
                .setWorkload(workload.value())
                .setEpoch(epoch)
                .setRuns(RunsCodec.toMessage(runs))
                .build()));
        return new RemoteSegment(stub, r, RunsCodec.fromMessage(r.getRuns()));
    }

    @Override
    public void sealed(WorkloadId workload, long epoch) {
        Faults.ask(PEER, () -> stub.sealed(EpochRef.newBuilder()
                .setWorkload(workload.value())
                .setEpoch(epoch)
                .build()));
    }

    @Override
    public void defer(WorkloadId workload, long epoch, PageRuns runs) {
        Faults.ask(PEER, () -> stub.defer(DeferRequest.newBuilder()
                .setWorkload(workload.value())
                .setEpoch(epoch)
                .setRuns(RunsCodec.toMessage(runs))
                .build()));
    }

    @Override
    public void broken(WorkloadId workload) {
        Faults.ask(PEER, () -> stub.broken(
                EpochRef.newBuilder().setWorkload(workload.value()).build()));
    }

    @Override
    public void untrack(WorkloadId workload) {
        Faults.ask(PEER, () -> stub.untrack(
                WorkloadRef.newBuilder().setWorkload(workload.value()).build()));
    }

    private record RemoteSegment(IntrospectorBlockingStub stub, SegmentRef ref, PageRuns runs) implements Segment {
        @Override
        public Path file() {
            return Path.of(ref.getPath());
        }

        @Override
        public long offset() {
            return ref.getOffset();
        }

        @Override
        public long length() {
            return ref.getLength();
        }

        @Override
        public void close() {
            Faults.ask(PEER, () -> stub.giveBack(
                    SegmentRef.newBuilder().setPath(ref.getPath()).setOffset(ref.getOffset()).build()));
        }
    }
}
