package io.decamp.edge.grpc;

import com.google.protobuf.ByteString;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.StandingReplica;
import io.decamp.contracts.v1.ReplicaReply;
import io.decamp.contracts.v1.ReplicaRequest;
import io.decamp.contracts.v1.TransferGrpc.TransferBlockingStub;
import java.nio.file.Path;
import java.util.Optional;

/** The replicas of this host when the transfer service is a process of its own. */
public final class RemoteReplicas implements Replicas {
    private static final String PEER = "transfer service";

    private final TransferBlockingStub stub;

    public RemoteReplicas(TransferBlockingStub stub) {
        this.stub = stub;
    }

    @Override
    public Optional<SealedReplica> sealed(WorkloadId workload, long generation) {
        return find(ReplicaRequest.newBuilder()
                .setWorkload(workload.value())
                .setGeneration(generation)
                .build());
    }

    @Override
    public Optional<SealedReplica> sealed(WorkloadId workload, Digest digest) {
        return find(ReplicaRequest.newBuilder()
                .setWorkload(workload.value())
                .setDigest(ByteString.copyFrom(digest.bytes()))
                .build());
    }

    @Override
    public Optional<StandingReplica> standing(WorkloadId workload, long generation) {
        ReplicaRequest request = ReplicaRequest.newBuilder()
                .setWorkload(workload.value())
                .setGeneration(generation)
                .setStanding(true)
                .build();
        ReplicaReply r = Faults.ask(PEER, () -> stub.findReplica(request));
        return r.getDirectory().isEmpty()
                ? Optional.empty()
                : Optional.of(new StandingReplica(
                        Path.of(r.getDirectory()), r.getGeneration(), RunsCodec.fromMessages(r.getSpacesList())));
    }

    private Optional<SealedReplica> find(ReplicaRequest request) {
        ReplicaReply r = Faults.ask(PEER, () -> stub.findReplica(request));
        if (!r.getFinal()) {
            return Optional.empty();
        }
        return Optional.of(new SealedReplica(
                Path.of(r.getDirectory()),
                r.getGeneration(),
                r.getEpoch(),
                r.getDigest().toByteArray(),
                RunsCodec.fromMessages(r.getSpacesList()),
                r.getPartsList()));
    }

    @Override
    public void drop(WorkloadId workload, long generation) {
        Faults.ask(PEER, () -> stub.dropReplica(ReplicaRequest.newBuilder()
                .setWorkload(workload.value())
                .setGeneration(generation)
                .build()));
    }
}
