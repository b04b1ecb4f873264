package io.decamp.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.NodePlan;
import io.decamp.cli.launch.NodeProcesses;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.soak.Fault;
import io.decamp.cli.soak.FaultSchedule;
import io.decamp.cli.soak.Phase;
import io.decamp.cli.soak.Soak;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Command;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Lab;
import io.decamp.testkit.Repository;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The whole of it: two nodes, a broker, criu, a tree of processes with threads that recomputes what it remembers. Faults
 * come by a seed that is printed; {@code -Ddecamp.soak.seed=N} repeats them, {@code -Ddecamp.soak.minutes=N} runs the whole
 * matrix for so long.
 */
class EvictionUnderFaultsTest {
    private static final ChainSpec TREE = ChainSpec.of(64, 256).withTree(1, 2);
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
        cluster = Cluster.up(false, new Steps(System.out));
    }

    @AfterAll
    static void takeDown() {
        if (cluster != null) {
            cluster.close();
        }
    }

    @Test
    void shouldTellTheTimeAndBeProtectedAfterEachMoveToAndFro() {
        try (Soak soak = Soak.start(cluster, TREE)) {
            for (Lab.Node expected :
                    List.of(cluster.lab().beta(), cluster.lab().alpha(), cluster.lab().beta())) {
                soak.move();

                assertEquals(expected, soak.owner());
                assertEquals(uptime(List.of()), uptime(insideTimeNamespace(soak)), 2.0, "CLOCK_BOOTTIME of the copy");
            }
            var report = soak.stopAndJudge().check();
            assertEquals(TREE.writers(), report.audits());
        }
    }

    @Test
    void shouldLeaveOneRightCopyThatIsProtectedWhateverFails() {
        long seed = Long.getLong("decamp.soak.seed", System.nanoTime());
        System.out.println("Faults of -Ddecamp.soak.seed=" + seed);
        try (Soak soak = Soak.start(cluster, TREE.withSeed(seed))) {
            int minutes = Integer.getInteger("decamp.soak.minutes", 0);
            if (minutes > 0) {
                FaultSchedule schedule = new FaultSchedule(seed);
                long end = System.nanoTime() + Duration.ofMinutes(minutes).toNanos();
                while (System.nanoTime() - end < 0) {
                    System.out.println("  " + soak.run(schedule.next()));
                }
            } else {
                selection(seed).forEach(step -> System.out.println("  " + soak.run(step)));
            }
            assertTrue(soak.stopAndJudge().check().lines() > 0);
        }
    }

    @Test
    void shouldTellWhatEachNodeDoesWithAWorkload() {
        try (Soak soak = Soak.start(cluster, ChainSpec.of(16, 64))) {
            String evidence = soak.evidence();

            assertTrue(evidence.contains("snapshotter: protecting: epoch "), evidence);
            assertTrue(evidence.contains("restorer: knows nothing of it"), evidence);
            assertTrue(evidence.contains("register: Owned[node=alpha"), evidence);
        }
    }

    @Test
    void shouldDestroyWhatStillRunsOnANodeThatWasFencedWhileItWasDown() {
        try (Soak soak = Soak.start(cluster, ChainSpec.of(16, 64))) {
            NodeProcesses alpha = cluster.processes(cluster.lab().alpha());
            alpha.process(NodePlan.Service.NODE).kill();
            HandoffRegister register = cluster.session().register();
            HandoffState owned = register.current(soak.id());
            register.append(
                    soak.id(),
                    HandoffRecords.fenced(soak.id(), owned, new NodeId("alpha"), "powered off, they said", "test"),
                    LIMIT);
            soak.workload().log().awaitLines(20, LIMIT);

            alpha.restart(NodePlan.Service.NODE);

            Await.until("the end of the copy", LIMIT, () -> soak.workload().log().inits().isEmpty());
            register.await(soak.id(), s -> s instanceof HandoffState.Unowned u && u.fenced().isEmpty(), LIMIT);
        }
    }

    /** Each kind of fault, and each side in the phases that are hardest on it. */
    private static List<FaultSchedule.Step> selection(long seed) {
        Random random = new Random(seed);
        FaultSchedule schedule = new FaultSchedule(seed);
        List<FaultSchedule.Step> steps = new ArrayList<>();
        steps.add(schedule.step(Fault.KILL_SOURCE, one(random, List.of(Phase.FREEZING, Phase.HELD))));
        steps.add(schedule.step(Fault.KILL_SOURCE, one(random, List.of(Phase.OFFERING, Phase.PREPARING, Phase.TAKEN))));
        steps.add(schedule.step(Fault.KILL_DESTINATION, one(random, List.of(Phase.PREPARING, Phase.TAKEN))));
        steps.add(schedule.step(Fault.KILL_DESTINATION, one(random, List.of(Phase.RELEASED, Phase.MOVED))));
        for (Fault fault : List.of(Fault.KILL_CRIU, Fault.KILL_BROKER, Fault.CUT_LINK)) {
            steps.add(schedule.step(fault, one(random, List.copyOf(new TreeSet<>(fault.phases())))));
        }
        return steps;
    }

    private static Phase one(Random random, List<Phase> phases) {
        return phases.get(random.nextInt(phases.size()));
    }

    private static List<String> insideTimeNamespace(Soak soak) {
        return List.of("nsenter", "--target", Long.toString(soak.workload().log().init()), "--time", "--");
    }

    /** Seconds of CLOCK_BOOTTIME; what was moved must not see it jump. */
    private static double uptime(List<String> enter) {
        String text = Command.run(Command.join(enter, List.of("cat", "/proc/uptime"))).check().output();
        return Double.parseDouble(text.split(" ")[0]);
    }
}
