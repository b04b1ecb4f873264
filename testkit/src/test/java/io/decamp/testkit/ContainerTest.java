package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ContainerTest {
    @BeforeAll
    static void needsRootAndRunc() {
        Host.requireRoot();
        Host.requireCriu();
        Host.requireProgram("runc");
    }

    @Test
    void shouldRunTheSelfCheckingWorkloadInAContainerOfANode() {
        try (Lab lab = Lab.up();
                ChainContainer chain =
                        ChainContainer.start(lab, lab.alpha(), "chain", ChainSpec.of(16, 500).withTree(1, 2))) {
            assertEquals("running", chain.container().status(lab.alpha()));
            assertEquals("absent", chain.container().status(lab.beta()));
            chain.log().awaitLines(100, Duration.ofSeconds(20));

            ChainOracle.Report report = chain.log().stopAndJudge();

            assertTrue(report.verified(), () -> report.errors().toString());
            assertEquals(4, report.audits());
        }
    }
}
