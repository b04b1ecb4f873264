package io.decamp.transfer.edge;

import com.google.protobuf.ByteString;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.contracts.v1.Done;
import io.decamp.contracts.v1.EpochRef;
import io.decamp.contracts.v1.OpenReply;
import io.decamp.contracts.v1.OpenRequest;
import io.decamp.contracts.v1.PrepareRequest;
import io.decamp.contracts.v1.ReplicaReply;
import io.decamp.contracts.v1.ReplicaRequest;
import io.decamp.contracts.v1.SealReply;
import io.decamp.contracts.v1.SealRequest;
import io.decamp.contracts.v1.SegmentRef;
import io.decamp.contracts.v1.SendPartRequest;
import io.decamp.contracts.v1.SendReply;
import io.decamp.contracts.v1.SendRequest;
import io.decamp.contracts.v1.TransferGrpc.TransferImplBase;
import io.decamp.contracts.v1.WorkloadRef;
import io.decamp.edge.grpc.Faults;
import io.decamp.edge.grpc.RunsCodec;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import io.smallrye.common.annotation.Blocking;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The transfer engine for a snapshotter or restorer in another process of the same node. */
@GrpcService
@Blocking
class TransferService extends TransferImplBase {
    private static final Done DONE = Done.getDefaultInstance();

    private final PageTransport transport;
    private final Replicas replicas;
    private final Map<WorkloadId, PageTransport.Session> sessions = new ConcurrentHashMap<>();

    TransferService(PageTransport transport, Replicas replicas) {
        this.transport = transport;
        this.replicas = replicas;
    }

    @Override
    public void open(OpenRequest q, StreamObserver<OpenReply> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            var target = new PageTransport.Target(
                    new NodeId(q.getNode()),
                    new NodeId(q.getDestination()),
                    q.getDataAddress(),
                    q.getBandwidthBytesPerSecond());
            PageTransport.Session opened = transport.open(id, q.getGeneration(), target);
            PageTransport.Session before = sessions.put(id, opened);
            if (before != null) {
                before.close();
            }
            return OpenReply.newBuilder()
                    .setLastSealedEpoch(opened.lastSealedEpoch())
                    .build();
        });
    }

    @Override
    public void begin(EpochRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            session(q.getWorkload()).begin(q.getEpoch());
            return DONE;
        });
    }

    @Override
    public void prepare(PrepareRequest q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            session(q.getWorkload()).prepare(q.getEpoch(), RunsCodec.fromMessage(q.getRuns()));
            return DONE;
        });
    }

    @Override
    public void send(SendRequest q, StreamObserver<SendReply> out) {
        Faults.answer(out, () -> {
            PageTransport.Session session = session(q.getWorkload());
            NamedSegment segment = new NamedSegment(q.getSegment(), RunsCodec.fromMessage(q.getSegment().getRuns()));
            return sent(session, session.send(q.getEpoch(), segment));
        });
    }

    @Override
    public void sendPart(SendPartRequest q, StreamObserver<SendReply> out) {
        Faults.answer(out, () -> {
            PageTransport.Session session = session(q.getWorkload());
            return sent(session, session.sendPart(q.getEpoch(), q.getName(), Path.of(q.getPath())));
        });
    }

    @Override
    public void seal(SealRequest q, StreamObserver<SealReply> out) {
        Faults.answer(out, () -> {
            PageTransport.Seal seal = session(q.getWorkload())
                    .seal(q.getEpoch(), q.getFinal(), RunsCodec.fromMessages(q.getSpacesList()));
            return SealReply.newBuilder()
                    .setDigest(ByteString.copyFrom(seal.digest()))
                    .setWireBytes(seal.wireBytes())
                    .addAllParts(seal.parts())
                    .setSavings(seal.savings())
                    .build();
        });
    }

    @Override
    public void close(WorkloadRef q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            PageTransport.Session session = sessions.remove(new WorkloadId(q.getWorkload()));
            if (session != null) {
                session.close();
            }
            return DONE;
        });
    }

    @Override
    public void findReplica(ReplicaRequest q, StreamObserver<ReplicaReply> out) {
        Faults.answer(out, () -> {
            WorkloadId id = new WorkloadId(q.getWorkload());
            if (q.getStanding()) {
                return replicas.standing(id, q.getGeneration())
                        .map(TransferService::describe)
                        .orElse(ReplicaReply.getDefaultInstance());
            }
            Optional<SealedReplica> found = q.getDigest().isEmpty()
                    ? replicas.sealed(id, q.getGeneration())
                    : replicas.sealed(id, new Digest(q.getDigest().toByteArray()));
            return found.map(TransferService::describe).orElse(ReplicaReply.getDefaultInstance());
        });
    }

    @Override
    public void dropReplica(ReplicaRequest q, StreamObserver<Done> out) {
        Faults.answer(out, () -> {
            replicas.drop(new WorkloadId(q.getWorkload()), q.getGeneration());
            return DONE;
        });
    }

    private static ReplicaReply describe(StandingReplica r) {
        return ReplicaReply.newBuilder()
                .setDirectory(r.directory().toString())
                .setGeneration(r.generation())
                .addAllSpaces(RunsCodec.toMessages(r.spaces()))
                .build();
    }

    private static ReplicaReply describe(SealedReplica r) {
        return ReplicaReply.newBuilder()
                .setDirectory(r.directory().toString())
                .setGeneration(r.generation())
                .setEpoch(r.epoch())
                .setFinal(true)
                .setDigest(ByteString.copyFrom(r.digest()))
                .addAllSpaces(RunsCodec.toMessages(r.spaces()))
                .addAllParts(r.parts())
                .build();
    }

    private static SendReply sent(PageTransport.Session session, long wireBytes) {
        return SendReply.newBuilder()
                .setWireBytes(wireBytes)
                .setLinkBytesPerSecond(session.linkBytesPerSecond())
                .build();
    }

    /** A session does not survive this process; its owner opens another and resumes. */
    private PageTransport.Session session(String workload) {
        PageTransport.Session session = sessions.get(new WorkloadId(workload));
        if (session == null) {
            throw DecampException.retry(
                    "session-lost", "No session of " + workload + " is open here", "Open it again", null);
        }
        return session;
    }

    private record NamedSegment(SegmentRef ref, PageRuns runs) implements Segment {
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
        public void close() {}
    }
}
