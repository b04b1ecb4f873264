package io.decamp.snapshotter.edge;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.SnapshotterGrpc.SnapshotterImplBase;
import io.decamp.contracts.v1.StatusReply;
import io.decamp.contracts.v1.WorkloadRef;
import io.decamp.contracts.v1.WorkloadStatus;
import io.decamp.edge.grpc.Faults;
import io.decamp.snapshotter.engine.ProtectionState;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import io.smallrye.common.annotation.Blocking;

/** Tells what this node does for each workload. */
@GrpcService
@Blocking
class StatusService extends SnapshotterImplBase {
    private final SnapshotterEdge edge;

    StatusService(SnapshotterEdge edge) {
        this.edge = edge;
    }

    @Override
    public void status(WorkloadRef q, StreamObserver<StatusReply> out) {
        Faults.answer(out, () -> {
            StatusReply.Builder reply = StatusReply.newBuilder();
            edge.states().forEach((id, state) -> {
                if (q.getWorkload().isEmpty() || q.getWorkload().equals(id.value())) {
                    reply.addWorkloads(describe(id, state));
                }
            });
            return reply.build();
        });
    }

    private static WorkloadStatus describe(WorkloadId id, ProtectionState state) {
        WorkloadStatus.Builder b =
                WorkloadStatus.newBuilder().setWorkload(id.value()).setState(state.label());
        switch (state) {
            case ProtectionState.Starting s -> b.setDetail("looking for it and its standby");
            case ProtectionState.Protecting s -> b.setDetail("epoch " + s.epoch() + " sealed on " + s.standby());
            case ProtectionState.Waiting s -> b.setDetail(s.reason()).setWaitingFor("another try at " + s.retryAt());
            case ProtectionState.Evicting s ->
                b.setDetail(s.step() + ", to " + s.destination()).setMigration(s.migration());
            case ProtectionState.Frozen s ->
                b.setDetail("offered to " + s.destination())
                        .setMigration(s.migration())
                        .setWaitingFor(s.waitingFor());
            case ProtectionState.Gone s -> b.setDetail("runs on " + s.to());
            case ProtectionState.Ended s -> b.setDetail(s.reason());
        }
        return b.build();
    }
}
