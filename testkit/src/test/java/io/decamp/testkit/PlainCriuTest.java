package io.decamp.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PlainCriuTest {
    private static final int SIZE_MIB = 32;

    @BeforeAll
    static void needsRootAndCriu() {
        Host.requireRoot();
        Host.requireCriu();
        Host.requireProgram("runc");
    }

    @Test
    void shouldMoveATreeOfProcessesWithThreadsOverTheLinkByStoppingIt() {
        try (Lab lab = Lab.up();
                PidWorkload workload = PidWorkload.start(
                        ChainSpec.of(SIZE_MIB, 500).withTree(2, 3), lab.alpha().enter())) {
            workload.log().awaitLines(200, Duration.ofSeconds(20));

            PlainCriu.Move move = new PlainCriu(lab.alpha(), lab.beta()).move(workload);
            workload.log().awaitLines(200, Duration.ofSeconds(20));

            verify(workload.log(), move);
        }
    }

    @Test
    void shouldMoveAContainerOverTheLinkByStoppingIt() {
        try (Lab lab = Lab.up();
                ChainContainer chain =
                        ChainContainer.start(lab, lab.alpha(), "chain", ChainSpec.of(SIZE_MIB, 500).withTree(1, 2))) {
            chain.log().awaitLines(200, Duration.ofSeconds(20));

            PlainCriu.Move move = new PlainCriu(lab.alpha(), lab.beta()).move(chain.container());
            chain.log().awaitLines(200, Duration.ofSeconds(20));

            assertEquals("absent", chain.container().status(lab.alpha()));
            assertEquals("running", chain.container().status(lab.beta()));
            verify(chain.log(), move);
        }
    }

    @Test
    void shouldMoveATreeOfProcessesWithThreadsOverTheLinkByFetchingItsMemoryAfterwards() {
        try (Lab lab = Lab.up();
                PidWorkload workload = PidWorkload.start(
                        ChainSpec.of(SIZE_MIB, 500).withTree(2, 3), lab.alpha().enter())) {
            workload.log().awaitLines(200, Duration.ofSeconds(20));

            PlainCriu.Move move = new PostCopyCriu(lab.alpha(), lab.beta()).move(workload);
            workload.log().awaitLines(200, Duration.ofSeconds(20));

            ChainOracle.Report report = workload.stopAndJudge();
            assertTrue(report.verified(), () -> report.errors().toString());
            assertTrue(move.bytesAfter() > SIZE_MIB << 20, () -> "The memory did not cross the link: " + move);
        }
    }

    private static void verify(ChainLog log, PlainCriu.Move move) {
        ChainOracle.Gap gap = ChainOracle.judge(log.file(), move.requestedAtSeconds(), 50, false).largest();
        ChainOracle.Report report = log.stopAndJudge();
        assertTrue(report.verified(), () -> report.errors().toString());
        assertTrue(move.bytesAfter() > SIZE_MIB << 20, () -> "The memory did not cross the link: " + move);
        assertTrue(gap.millis() > move.copyMillis(), () -> gap + " is less than the copy took: " + move);
        System.out.println(move + ", downtime " + gap);
    }
}
