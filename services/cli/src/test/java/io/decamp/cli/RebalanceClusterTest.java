package io.decamp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Lab;
import io.decamp.testkit.PidWorkload;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command with real nodes and real workloads: all of them on alpha, beta their standby. */
class RebalanceClusterTest {
    private static final int WORKLOADS = 4;
    private static final int SIZE_MIB = 24;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private int rebalance(Cluster cluster, String... options) {
        List<String> all = new ArrayList<>(List.of(
                "rebalance",
                "--bootstrap-servers",
                cluster.broker().bootstrap(),
                "--by",
                "workloads",
                "--threshold",
                SIZE_MIB / 2 + "MiB",
                "--json",
                directory.resolve("plan.json").toString()));
        all.addAll(List.of(options));
        return Main.commandLine().execute(all.toArray(String[]::new));
    }

    private JsonNode moves() throws IOException {
        return new ObjectMapper().readTree(directory.resolve("plan.json").toFile()).path("moves");
    }

    @Test
    void shouldShowAPlanThenMoveHalfOfTheWorkloadsAndThenHaveNothingToDo() throws IOException {
        Host.requireRoot();
        Host.requireCriu();
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PTRACE_ANY);
        Map<WorkloadId, PidWorkload> workloads = new LinkedHashMap<>();
        Map<WorkloadId, Watch> watches = new LinkedHashMap<>();
        try (Cluster cluster = Cluster.up(false, new Steps(System.out))) {
            Lab.Node alpha = cluster.lab().alpha();
            try {
                for (int i = 0; i < WORKLOADS; i++) {
                    PidWorkload workload = PidWorkload.start(ChainSpec.of(SIZE_MIB, 64).withSeed(i + 1), alpha.enter());
                    WorkloadId id = WorkloadId.of("pid:" + workload.locatorPid(), alpha.id());
                    workloads.put(id, workload);
                    watches.put(id, Watch.open(cluster.session(), id, epoch -> {}));
                    protect(cluster, id);
                }
                watches.values().forEach(watch -> watch.awaitEpochs(0, 2, LIMIT));

                assertEquals(ExitCode.DONE, rebalance(cluster));
                assertEquals(WORKLOADS / 2, moves().size());
                assertEquals(WORKLOADS, owned(cluster, workloads, "alpha"), "a plan moves nothing");

                assertEquals(ExitCode.DONE, rebalance(cluster, "--execute"));
                for (JsonNode move : moves()) {
                    assertEquals("moved", move.path("result").asText(), move::toString);
                    Watch watch = watches.get(new WorkloadId(move.path("workload").asText()));
                    watch.awaitEpochs(watch.epochs().size(), 2, LIMIT);
                }
                assertEquals(WORKLOADS / 2, owned(cluster, workloads, "alpha"));
                assertEquals(WORKLOADS / 2, owned(cluster, workloads, "beta"));

                assertEquals(ExitCode.DONE, rebalance(cluster, "--execute"));
                assertEquals(0, moves().size());
                for (PidWorkload workload : workloads.values()) {
                    assertTrue(workload.stopAndJudge().check().lines() > 0);
                }
            } finally {
                watches.values().forEach(Watch::close);
                workloads.values().forEach(PidWorkload::close);
            }
        }
    }

    private static long owned(Cluster cluster, Map<WorkloadId, PidWorkload> workloads, String node) {
        return workloads.keySet().stream()
                .filter(id -> cluster.session().owner(id).map(NodeId::value).orElse("").equals(node))
                .count();
    }

    private static void protect(Cluster cluster, WorkloadId id) {
        WorkloadSpec spec = WorkloadSpec.newBuilder()
                .setWorkload(id.value())
                .addNodes("alpha")
                .addNodes("beta")
                .build();
        cluster.session().publisher().send(EventType.WORKLOADS, spec, LIMIT);
    }
}
