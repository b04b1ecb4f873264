package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.linux.pid.PidFd;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/** What a benchmark asks of the nodes, by the same topics as everybody: alpha is the source, beta the destination. */
final class Asking {
    static final Duration LIMIT = Duration.ofMinutes(3);

    private Asking() {}

    static void protect(Cluster cluster, WorkloadId workload, Policy policy) {
        WorkloadSpec wanted = WorkloadSpec.newBuilder()
                .setWorkload(workload.value())
                .addNodes("alpha")
                .addNodes("beta")
                .setPolicy(policy)
                .build();
        cluster.session().publisher().send(EventType.WORKLOADS, wanted, LIMIT);
    }

    /** Returns when nobody owns it any more. */
    static void release(Cluster cluster, WorkloadId workload) {
        cluster.session().publisher().remove(EventType.WORKLOADS, workload.value(), LIMIT);
        cluster.session().register().await(workload, s -> s instanceof HandoffState.Unowned, LIMIT);
    }

    /** @return id and time of the request */
    static EventHeader evict(Cluster cluster, WorkloadId workload, boolean dryRun) {
        MigrationRequested request = MigrationRequested.newBuilder()
                .setWorkload(workload.value())
                .setNode("alpha")
                .setDestination("beta")
                .setReason(Reason.FAILURE_PREDICTED)
                .setProbability(0.9)
                .setDryRun(dryRun)
                .build();
        return cluster.session().publisher().send(EventType.MIGRATION_REQUESTED, request, LIMIT);
    }

    /** When the source is free: the init of a PID namespace ends after all others in it, its memory freed. */
    static CompletableFuture<Instant> exitOf(long initPid) {
        PidFd init = PidFd.open(Math.toIntExact(initPid));
        return CompletableFuture.supplyAsync(() -> {
            try (init) {
                if (!init.awaitExit(LIMIT)) {
                    throw DecampException.abort(
                            "source-not-free", "Process " + initPid + " is still there", "Read the nodes' logs", null);
                }
                return Instant.now();
            }
        });
    }
}
