package io.decamp.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.cli.NodeEviction;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.NodePlan;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.soak.Evidence;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.Subscription;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Repository;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A whole node is emptied: coordinators in both nodes, real processes, criu. */
class NodeEvacuationTest {
    private static final ChainSpec SMALL = ChainSpec.of(8, 64);
    private static final int WORKLOADS = 4;
    private static final Path NODE = Path.of("services/node/target/quarkus-app/quarkus-run.jar");
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static Cluster cluster;

    @BeforeAll
    static void bringUp() {
        Kernel.require(
                KernelFeature.USERFAULTFD_USER_MODE,
                KernelFeature.UFFD_WRITE_PROTECT_ASYNC,
                KernelFeature.PAGEMAP_SCAN,
                KernelFeature.PIDFD_GETFD,
                KernelFeature.PTRACE_ANY,
                KernelFeature.PID_NAMESPACES);
        boolean packaged = Files.exists(Repository.root().resolve(NODE));
        if (!packaged && Boolean.getBoolean(Kernel.REQUIRED)) {
            Assertions.fail(NODE + " is missing: package services/node first");
        }
        Assumptions.assumeTrue(packaged, NODE + " is missing: package services/node first");
        cluster = Cluster.up(false, new Steps(System.out), Map.of("decamp.coordinator", "true"));
    }

    @AfterAll
    static void takeDown() {
        if (cluster != null) {
            cluster.close();
        }
    }

    @Test
    void shouldEmptyANodeWithinItsDeadlineAndBackAgainAfterACoordinatorWasKilled() throws Exception {
        NodeId alpha = cluster.lab().alpha().id();
        NodeId beta = cluster.lab().beta().id();
        Map<WorkloadId, PidWorkload> all = new LinkedHashMap<>();
        try {
            for (int i = 0; i < WORKLOADS; i++) {
                PidWorkload w = PidWorkload.start(SMALL, cluster.lab().alpha().enter());
                all.put(WorkloadId.of("pid:" + w.locatorPid(), alpha), w);
            }
            protectWithoutStandby(all.keySet(), alpha);
            all.keySet().forEach(id -> assertEquals(alpha, owner(id), id.value()));

            Evacuation end = evict(alpha, Duration.ofSeconds(30));

            assertTrue(NodeEviction.allMadeIt(end), end.toString());
            assertEquals(WORKLOADS, end.getItemsCount(), end.toString());
            assertTrue(
                    end.getItemsList().stream().allMatch(i -> i.getEndedUnixMillis() <= end.getDeadlineUnixMillis()),
                    end.toString());
            all.keySet().forEach(id -> assertEquals(beta, owner(id), id.value()));
            assertTrue(evict(alpha, null).getSummary().contains("nothing to move"));

            cluster.processes(cluster.lab().alpha()).process(NodePlan.Service.NODE).kill();
            cluster.processes(cluster.lab().alpha()).restart(NodePlan.Service.NODE);
            awaitEpochs(all.keySet());
            Evacuation back = evict(beta, null);

            assertTrue(NodeEviction.allMadeIt(back), back.toString());
            all.keySet().forEach(id -> assertEquals(alpha, owner(id), id.value()));
            all.forEach((id, w) -> w.stopAndJudge().check());
        } catch (DecampException | AssertionError e) {
            all.keySet().forEach(id -> System.out.println(Evidence.of(cluster, id)));
            throw e;
        } finally {
            all.values().forEach(PidWorkload::close);
        }
    }

    @Test
    void shouldRefuseADestinationThatIsTheNodeItself() {
        NodeId alpha = cluster.lab().alpha().id();
        var wanted = new NodeEviction.Wanted(alpha, alpha, Reason.MANUAL, null);

        DecampException refused = assertThrows(
                DecampException.class, () -> new NodeEviction(cluster.session(), System.out).follow(wanted, LIMIT));

        assertEquals("destination-is-source", refused.code());
    }

    private static Evacuation evict(NodeId node, Duration within) throws InterruptedException {
        var wanted = new NodeEviction.Wanted(node, null, Reason.MAINTENANCE, within);
        return new NodeEviction(cluster.session(), System.out).follow(wanted, LIMIT);
    }

    private static NodeId owner(WorkloadId id) {
        return cluster.session().register().current(id) instanceof HandoffState.Owned owned ? owned.node() : null;
    }

    /** The standby is the coordinator's to find. */
    private static void protectWithoutStandby(Set<WorkloadId> all, NodeId node) {
        for (WorkloadId id : all) {
            WorkloadSpec wanted = WorkloadSpec.newBuilder()
                    .setWorkload(id.value())
                    .addNodes(node.value())
                    .build();
            cluster.session().publisher().send(EventType.WORKLOADS, wanted, LIMIT);
        }
        awaitEpochs(all);
    }

    private static void awaitEpochs(Set<WorkloadId> all) {
        Set<String> shipped = ConcurrentHashMap.newKeySet();
        Subscription epochs = Subscription.fromEnd("epochs")
                .on(EventType.PAGES_DIRTY, e -> shipped.add(e.data().getWorkload()));
        try (EventConsumer _ =
                EventConsumer.start(cluster.session().bus(), epochs, cluster.session().publisher())) {
            List<String> wanted = new ArrayList<>(all.stream().map(WorkloadId::value).toList());
            Await.until("an epoch of each", LIMIT, () -> shipped.containsAll(wanted));
        }
    }
}
