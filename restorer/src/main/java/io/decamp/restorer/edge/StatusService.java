package io.decamp.restorer.edge;

import io.decamp.contracts.v1.RestorerGrpc.RestorerImplBase;
import io.decamp.contracts.v1.StatusReply;
import io.decamp.contracts.v1.WorkloadRef;
import io.decamp.contracts.v1.WorkloadStatus;
import io.decamp.edge.grpc.Faults;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import io.smallrye.common.annotation.Blocking;
import java.util.Locale;

/** Tells what this node does as a destination. */
@GrpcService
@Blocking
class StatusService extends RestorerImplBase {
    private final RestorerEdge edge;

    StatusService(RestorerEdge edge) {
        this.edge = edge;
    }

    @Override
    public void status(WorkloadRef q, StreamObserver<StatusReply> out) {
        Faults.answer(out, () -> {
            StatusReply.Builder reply = StatusReply.newBuilder();
            edge.steps().forEach((id, step) -> {
                if (q.getWorkload().isEmpty() || q.getWorkload().equals(id.value())) {
                    reply.addWorkloads(WorkloadStatus.newBuilder()
                            .setWorkload(id.value())
                            .setState(step.getClass().getSimpleName().toLowerCase(Locale.ROOT))
                            .setDetail(step.toString()));
                }
            });
            return reply.build();
        });
    }
}
