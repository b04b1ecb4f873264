package io.decamp.introspector.engine.memory;

import static io.decamp.introspector.engine.memory.TrackedVictim.ID;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.MemorySource.Tasks;
import io.decamp.contracts.port.MemorySource;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.linux.workload.TaskStates;
import io.decamp.testkit.Await;
import io.decamp.testkit.Command;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.Procs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of the debts when an epoch breaks, the service dies, or the tracking itself is lost. */
class ServiceRestartTest {
    private static final int PAGE = 4096;

    private TrackedVictim tracked;
    private Shapeshifter victim;
    private long at;

    @BeforeEach
    void start() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PIDFD_GETFD);
        tracked = new TrackedVictim();
        victim = tracked.victim;
        at = victim.tell("map %d", 256 * PAGE);
        victim.tell("write %x %d 1", at, 256 * PAGE);
    }

    @AfterEach
    void end() {
        tracked.close();
    }

    @Test
    void shouldReportAgainWhatABrokenEpochTook() {
        tracked.track().round();
        victim.tell("write %x %d 2", at, 20 * PAGE);
        victim.tell("unmap %x %d", at + 100 * PAGE, 20 * PAGE);
        tracked.source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
        tracked.source.broken(ID);
        tracked.verify();
    }

    @Test
    void shouldReportAgainAfterTwoEpochsBroke() {
        tracked.track().round();
        for (int i = 0; i < 2; i++) {
            victim.tell("write %x %d %d", at + i * 30L * PAGE, 20 * PAGE, 3 + i);
            victim.tell("drop %x %d", at + (100 + i * 20L) * PAGE, 10 * PAGE);
            tracked.source.scan(ID, 7, Tasks.RUNNING);
            tracked.source.broken(ID);
        }
        MemorySource.Scan scan = tracked.round();
        assertTrue(
                scan.written().totalPages() >= 60, "reported " + scan.written().totalPages());
        tracked.verify();
    }

    @Test
    void shouldSayThatItHasEndedAlsoWhenNobodyReapsItsInit() {
        tracked.track().round();
        ProcessHandle parent = ProcessHandle.of(victim.pid()).flatMap(ProcessHandle::parent).orElseThrow();
        Command.run("kill", "-STOP", Long.toString(parent.pid()));
        Command.run("kill", "-KILL", Integer.toString(victim.pid()));
        Await.until("it to be a zombie", Duration.ofSeconds(10), () -> TaskStates.of(victim.pid()) == 'Z');

        DecampException ended =
                assertThrows(DecampException.class, () -> tracked.source.scan(ID, 2, Tasks.RUNNING));

        assertEquals("workload-ended", ended.code());
    }

    @Test
    void shouldNotReportAgainWhatWasSealed() {
        tracked.track().round();
        victim.tell("write %x %d 2", at, 200 * PAGE);
        tracked.round();
        tracked.source.broken(ID);
        assertTrue(tracked.round().written().totalPages() < 50);
        tracked.verify();
    }

    @Test
    void shouldGoOnWhereAKilledServiceStopped() {
        long space = tracked.track().round().spaces().getFirst().id();
        victim.tell("write %x %d 2", at, 20 * PAGE);
        tracked.source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
        victim.tell("write %x %d 3", at + 50 * PAGE, 20 * PAGE);
        tracked.killService();
        victim.tell("write %x %d 4", at + 100 * PAGE, 20 * PAGE);
        tracked.track();
        MemorySource.Scan scan = tracked.round();
        assertFalse(scan.everything());
        assertEquals(space, scan.spaces().getFirst().id());
        assertTrue(scan.written().totalPages() >= 60 && scan.written().totalPages() < 120, "one debt and two writes");
        tracked.verify();
    }

    @Test
    void shouldTrustASealThatArrivesAfterTheRestart() {
        tracked.track().round();
        victim.tell("write %x %d 2", at, 200 * PAGE);
        MemorySource.Scan lost = tracked.source.scan(ID, ++tracked.epoch, Tasks.RUNNING);
        tracked.replica.apply(tracked.source, ID, tracked.epoch, lost);
        tracked.killService();
        tracked.track();
        tracked.source.sealed(ID, tracked.epoch);
        assertTrue(tracked.round().written().totalPages() < 50);
        tracked.verify();
    }

    @Test
    void shouldTrackOnByTheKeeperAlone() {
        tracked.track().round();
        tracked.source.close();
        victim.tell("write %x %d 2", at, 20 * PAGE);
        victim.tell("unmap %x %d", at + 100 * PAGE, 20 * PAGE);
        tracked.killService();
        tracked.track();
        MemorySource.Scan scan = tracked.round();
        assertFalse(scan.everything());
        assertTrue(
                scan.written().totalPages() < 100, "reported " + scan.written().totalPages());
        tracked.verify();
    }

    @Test
    void shouldSuspectEveryPageWhenTheKeeperIsGone() throws IOException {
        long space = tracked.track().round().spaces().getFirst().id();
        tracked.source.close();
        victim.tell("write %x %d 2", at, 20 * PAGE);
        Procs.killAndAwait(keeperPid());
        tracked.killService();
        tracked.track();
        MemorySource.Scan scan = tracked.round();
        assertTrue(scan.everything());
        assertNotEquals(space, scan.spaces().getFirst().id());
        tracked.verify();
    }

    @Test
    void shouldFindAnExecThatHappenedWhileTheServiceWasDown() {
        long space = tracked.track().round().spaces().getFirst().id();
        tracked.source.close();
        victim.tell("exec");
        tracked.killService();
        tracked.track();
        MemorySource.Scan scan = tracked.round();
        assertNotEquals(space, scan.spaces().getFirst().id());
        tracked.verify();
    }

    @Test
    void shouldReportEverythingToANewGeneration() {
        tracked.track().round();
        tracked.source.track(ID, 2);
        MemorySource.Scan scan = tracked.round();
        assertTrue(scan.everything());
        assertTrue(scan.written().totalPages() >= 256);
        tracked.verify();
    }

    @Test
    void shouldLeaveNothingBehindWhenTrackingEnds() throws IOException {
        tracked.track().round();
        long keeper = keeperPid();
        tracked.source.untrack(ID);
        assertFalse(Procs.alive(keeper));
        try (Stream<Path> left = Files.list(tracked.directory.resolve("tracking"))) {
            assertEquals(List.of(), left.toList());
        }
        assertFalse(
                Files.readString(Path.of("/proc/" + victim.pid() + "/smaps")).contains(" uw "), "still registered");
        victim.tell("write %x %d 2", at, 20 * PAGE);
    }

    @Test
    void shouldEndTrackingThatAKilledServiceLeftBehind() throws IOException {
        tracked.track().round();
        long keeper = keeperPid();
        tracked.source.close();
        tracked.killService();
        tracked.source.untrack(ID);
        assertFalse(Procs.alive(keeper));
        assertFalse(
                Files.readString(Path.of("/proc/" + victim.pid() + "/smaps")).contains(" uw "), "still registered");
    }

    private long keeperPid() throws IOException {
        Path record =
                tracked.directory.resolve("tracking").resolve(ID.fileName()).resolve("keeper");
        return Long.parseLong(Files.readAllLines(record).getFirst().split(" ")[0]);
    }
}
