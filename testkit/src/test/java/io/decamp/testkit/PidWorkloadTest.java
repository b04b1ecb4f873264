package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PidWorkloadTest {
    @BeforeAll
    static void needsRoot() {
        Host.requireRoot();
    }

    @Test
    void shouldRunAsTheInitOfItsOwnNamespaceUntilItIsStopped() {
        try (PidWorkload workload = PidWorkload.start(ChainSpec.of(8, 500).withTree(1, 2))) {
            List<Long> pids = Procs.namespacePids(workload.initPid());
            assertEquals(1, pids.getLast());
            assertEquals(pids.get(pids.size() - 2), workload.locatorPid());
            workload.log().awaitLines(100, Duration.ofSeconds(20));

            ChainOracle.Report report = workload.stopAndJudge();

            assertTrue(report.verified(), () -> report.errors().toString());
            assertEquals(4, report.audits());
        }
    }

    @Test
    void shouldLeaveNoProcessBehindWhenClosed() {
        PidWorkload workload = PidWorkload.start(ChainSpec.of(8, 500).withTree(2, 1));
        List<Long> tree = Procs.holding(workload.log().file()).stream()
                .filter(pid -> Procs.namespacePids(pid).size() > 1)
                .toList();
        assertEquals(3, tree.size());

        workload.close();

        for (long pid : tree) {
            assertFalse(Procs.alive(pid));
        }
    }
}
