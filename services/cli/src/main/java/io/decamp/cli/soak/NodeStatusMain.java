package io.decamp.cli.soak;

import io.decamp.contracts.v1.RestorerGrpc;
import io.decamp.contracts.v1.SnapshotterGrpc;
import io.decamp.contracts.v1.StatusReply;
import io.decamp.contracts.v1.WorkloadRef;
import io.decamp.contracts.v1.WorkloadStatus;
import io.decamp.edge.grpc.ControlToken;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Asks the snapshotter and the restorer of a node what they do with a workload. A program of its own, as the control
 * ports of a node can be reached from within the node alone.
 */
final class NodeStatusMain {
    private static final long LIMIT_SECONDS = 10;

    private NodeStatusMain() {}

    /** Arguments: state directory, port of the snapshotter, port of the restorer, workload. */
    public static void main(String[] arguments) {
        ControlToken token = ControlToken.of(Path.of(arguments[0]));
        WorkloadRef workload = WorkloadRef.newBuilder().setWorkload(arguments[3]).build();
        ask("snapshotter", arguments[1], token, channel -> SnapshotterGrpc.newBlockingStub(channel)
                .withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS)
                .status(workload));
        ask("restorer", arguments[2], token, channel -> RestorerGrpc.newBlockingStub(channel)
                .withDeadlineAfter(LIMIT_SECONDS, TimeUnit.SECONDS)
                .status(workload));
    }

    private static void ask(
            String who, String port, ControlToken token, Function<ManagedChannel, StatusReply> question) {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", Integer.parseInt(port))
                .usePlaintext()
                .intercept(token.client())
                .build();
        try {
            StatusReply reply = question.apply(channel);
            reply.getWorkloadsList().forEach(status -> System.out.println(who + ": " + line(status)));
            if (reply.getWorkloadsCount() == 0) {
                System.out.println(who + ": knows nothing of it");
            }
        } catch (StatusRuntimeException e) {
            System.out.println(who + ": no answer: " + e.getMessage());
        } finally {
            channel.shutdownNow();
        }
    }

    private static String line(WorkloadStatus status) {
        String waiting = status.getWaitingFor().isEmpty() ? "" : "; waits for " + status.getWaitingFor();
        return status.getState() + ": " + status.getDetail() + waiting;
    }
}
