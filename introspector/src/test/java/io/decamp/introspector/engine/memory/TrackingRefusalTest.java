package io.decamp.introspector.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Await;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Procs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What may keep a process from being tracked, and what may not. */
class TrackingRefusalTest {
    private static final int PAGE = 4096;
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private TrackedVictim tracked;
    private Shapeshifter victim;

    @BeforeEach
    void start() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        tracked = new TrackedVictim();
        victim = tracked.victim;
    }

    @AfterEach
    void end() {
        tracked.close();
    }

    @Test
    void shouldTrackAProcessThatMayGainNoPrivilegesAndDiesOfAUserfaultfd() {
        assertEquals(0, victim.tell("seccomp"));
        long at = victim.tell("map %d", 16 * PAGE);
        tracked.track().round();
        victim.tell("write %x %d 34", at, 16 * PAGE);
        tracked.round();
        tracked.verify();
    }

    @Test
    void shouldLeaveMemoryThatAnotherUserfaultfdOwnsToALaterTry() {
        long at = victim.tell("map %d", 16 * PAGE);
        assertEquals(0, victim.tell("uffd %x %d", at, 16 * PAGE));
        DecampException refused = assertThrows(DecampException.class, tracked::track);
        assertEquals("foreign-userfaultfd", refused.code());
        assertEquals(DecampException.Category.RETRY, refused.category());
    }

    @Test
    void shouldSayWhenAnotherTracerIsInTheWay() throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/strace")), "no strace here");
        Process strace = new ProcessBuilder("strace", "-o", "/dev/null", "-p", Integer.toString(victim.pid())).start();
        try {
            Await.until(
                    "strace",
                    LIMIT,
                    () -> !Procs.statusField(victim.pid(), "TracerPid")
                            .orElse("0")
                            .equals("0"));
            assertEquals(
                    "process-not-trackable",
                    assertThrows(DecampException.class, tracked::track).code());
        } finally {
            strace.destroy();
            strace.waitFor();
        }
        tracked.track().round();
        tracked.verify();
    }
}
