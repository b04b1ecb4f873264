package io.decamp.introspector.edge;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.CapturedPart;
import io.decamp.contracts.v1.DeferRequest;
import io.decamp.contracts.v1.Done;
import io.decamp.contracts.v1.EpochRef;
import io.decamp.contracts.v1.FoundWorkload;
import io.decamp.contracts.v1.FreezeEvent;
import io.decamp.contracts.v1.FreezeRequest;
import io.decamp.contracts.v1.FreezeStateReply;
import io.decamp.contracts.v1.IntrospectorGrpc.IntrospectorImplBase;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.ReadRequest;
import io.decamp.contracts.v1.ScanReply;
import io.decamp.contracts.v1.ScanRequest;
import io.decamp.contracts.v1.SegmentRef;
import io.decamp.contracts.v1.TrackReply;
import io.decamp.contracts.v1.TrackRequest;
import io.decamp.contracts.v1.WorkloadRef;
import io.decamp.edge.config.WorkloadRuntimes;
import io.decamp.edge.grpc.Faults;
import io.decamp.edge.grpc.RunsCodec;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import io.smallrye.common.annotation.Blocking;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The introspector's engines for a snapshotter, or a person, in another process of the same node. */
@GrpcService
@Blocking
class IntrospectorService extends IntrospectorImplBase {
    private static final Done DONE = Done.getDefaultInstance();

    private final MemorySource memory;
    private final WorkloadRuntimes runtimes;
    /** Segments that the other process still reads. Lost with this process, as are the segments themselves. */
    private final Map<String, Segment> lent = new ConcurrentHashMap<>();

    IntrospectorService(MemorySource memory, WorkloadRuntimes runtimes) {
        this.memory = memory;
        this.runtimes = runtimes;
    }

    @Override
    public void find(WorkloadRef q, StreamObserver<FoundWorkload> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            WorkloadRuntime.Found f = runtime(id).find(id);
            return FoundWorkload.newBuilder()
                    .setWorkload(id.value())
                    .setInitPid(f.initPid())
                    .setState(f.state().name())
                    .setBundle(f.bundle() == null ? "" : f.bundle().toString())
                    .build();
        });
    }

    @Override
    public void check(WorkloadRef q, StreamObserver<PreflightReport> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            return runtime(id).check(id);
        });
    }

    @Override
    public void track(TrackRequest q, StreamObserver<TrackReply> out) {
        Faults.answer(out, () -> {
            MemorySource.Tracking t = memory.track(new WorkloadId(q.getWorkload()), q.getGeneration());
            return TrackReply.newBuilder()
                    .addAllSpaces(RunsCodec.toMessages(t.spaces()))
                    .setStoppedMicrosMax(t.stoppedMicrosMax())
                    .build();
        });
    }

    @Override
    public void scan(ScanRequest q, StreamObserver<ScanReply> out) {
        Faults.answer(out, () -> {
            MemorySource.Scan s = memory.scan(
                    new WorkloadId(q.getWorkload()),
                    q.getEpoch(),
                    MemorySource.Tasks.valueOf(q.getTasks().name()),
                    RunsCodec.fromMessage(q.getOpen()));
            return ScanReply.newBuilder()
                    .addAllSpaces(RunsCodec.toMessages(s.spaces()))
                    .setRuns(RunsCodec.toMessage(s.written()))
                    .setTrackedBytes(s.trackedBytes())
                    .setScanMicros(s.scanMicros())
                    .setEverything(s.everything())
                    .build();
        });
    }

    @Override
    public void read(ReadRequest q, StreamObserver<SegmentRef> out) {
        Faults.answer(out, () -> {
            Segment s = memory.read(new WorkloadId(q.getWorkload()), q.getEpoch(), RunsCodec.fromMessage(q.getRuns()));
            lent.put(key(s.file(), s.offset()), s);
            return SegmentRef.newBuilder()
                    .setPath(s.file().toString())
                    .setOffset(s.offset())
                    .setLength(s.length())
                    .setRuns(RunsCodec.toMessage(s.runs()))
                    .build();
        });
    }

    @Override
    public void giveBack(SegmentRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            Segment s = lent.remove(key(Path.of(q.getPath()), q.getOffset()));
            if (s != null) {
                s.close();
            }
            return DONE;
        });
    }

    @Override
    public void sealed(EpochRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            memory.sealed(new WorkloadId(q.getWorkload()), q.getEpoch());
            return DONE;
        });
    }

    @Override
    public void defer(DeferRequest q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            memory.defer(new WorkloadId(q.getWorkload()), q.getEpoch(), RunsCodec.fromMessage(q.getRuns()));
            return DONE;
        });
    }

    @Override
    public void broken(EpochRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            memory.broken(new WorkloadId(q.getWorkload()));
            return DONE;
        });
    }

    @Override
    public void untrack(WorkloadRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            memory.untrack(new WorkloadId(q.getWorkload()));
            return DONE;
        });
    }

    @Override
    public void freeze(FreezeRequest q, StreamObserver<FreezeEvent> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            WorkloadRuntime.Frozen f = runtime(id)
                    .freeze(id, q.getMigration(), Path.of(q.getPartsDirectory()), () -> out.onNext(stopped()));
            FreezeEvent.Builder held = FreezeEvent.newBuilder()
                    .setStage(FreezeEvent.Stage.HELD)
                    .setStoppedAtUnixMicros(f.stoppedAtUnixMicros())
                    .setHeldAtUnixMicros(f.heldAtUnixMicros());
            for (WorkloadRuntime.Part p : f.parts()) {
                held.addParts(CapturedPart.newBuilder()
                        .setName(p.name())
                        .setPath(p.file().toString())
                        .setSize(p.size()));
            }
            return held.build();
        });
    }

    private static FreezeEvent stopped() {
        Instant now = Instant.now();
        return FreezeEvent.newBuilder()
                .setStage(FreezeEvent.Stage.STOPPED)
                .setStoppedAtUnixMicros(now.getEpochSecond() * 1_000_000 + now.getNano() / 1000)
                .build();
    }

    @Override
    public void freezeState(WorkloadRef q, StreamObserver<FreezeStateReply> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            return FreezeStateReply.newBuilder()
                    .setState(runtime(id).hold(id).name())
                    .build();
        });
    }

    @Override
    public void thaw(WorkloadRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            runtime(id).thaw(id);
            return DONE;
        });
    }

    @Override
    public void kill(WorkloadRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            runtime(id).kill(id);
            return DONE;
        });
    }

    private WorkloadRuntime runtime(WorkloadId id) {
        WorkloadRuntime runtime = runtimes.byKind().get(id.kind());
        if (runtime == null) {
            throw DecampException.refused(
                    "unknown-kind", "No runtime for " + id, "This node knows " + runtimes.byKind().keySet());
        }
        return runtime;
    }

    private static String key(Path file, long offset) {
        return file + "@" + offset;
    }
}
