package io.decamp.introspector.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.port.WorkloadRuntime.Frozen;
import io.decamp.contracts.port.WorkloadRuntime.Hold;
import io.decamp.contracts.port.WorkloadRuntime.State;
import io.decamp.linux.command.JobDirectory;
import io.decamp.linux.workload.Bindings;
import io.decamp.linux.workload.TaskStates;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Procs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Live workloads, live criu. "Stays frozen" means that its log does not grow while a running one writes a
 * hundred lines.
 */
class PidRuntimeTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private RuntimeLab lab;

    @BeforeEach
    void setUp() {
        lab = new RuntimeLab();
    }

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void shouldRunOnWithoutALostOrDoubledStepWhenThawed() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        WorkloadRuntime runtime = lab.runtime();
        Frozen frozen = lab.freeze(workload);
        lab.assertStaysFrozen(workload);

        runtime.thaw(lab.id(workload));

        workload.log().awaitLines(20, LIMIT);
        assertEquals(Hold.NONE, runtime.hold(lab.id(workload)));
        assertTrue(frozen.heldAtUnixMicros() >= frozen.stoppedAtUnixMicros());
        workload.stopAndJudge().check();
        lab.assertNothingLeft();
    }

    @Test
    void shouldNameEveryImageAsAPartWhenHeld() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));

        Frozen frozen = lab.freeze(workload);

        List<String> names = frozen.parts().stream().map(WorkloadRuntime.Part::name).toList();
        assertTrue(names.containsAll(List.of("inventory.img", "pstree.img", "core-1.img", "pagemap-1.img")), names::toString);
        assertFalse(names.stream().anyMatch(name -> name.endsWith(".log")), names::toString);
        long skeleton = frozen.parts().stream().mapToLong(WorkloadRuntime.Part::size).sum();
        assertTrue(skeleton < 4 << 20, "Lazy memory must not be in the parts: " + skeleton + " bytes");
    }

    @Test
    void shouldHaveStoppedEveryTaskWhenItSaysSo() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512).withTree(2, 3));
        AtomicReference<Boolean> stopped = new AtomicReference<>();

        lab.runtime().freeze(lab.id(workload), "m1", lab.parts(), () -> {
            stopped.set(TaskStates.allHaveTracer(lab.processesOf(workload)));
        });

        assertEquals(true, stopped.get());
    }

    @Test
    void shouldFreezeAllWorkloadsOfOneWorkingDirectoryWhenAskedAtTheSameTime() {
        List<PidWorkload> workloads =
                Stream.generate(() -> lab.workload(ChainSpec.of(1, 16))).limit(4).toList();
        for (int round = 0; round < 5; round++) {
            List<CompletableFuture<Void>> moves = workloads.stream()
                    .map(w -> CompletableFuture.runAsync(
                            () -> {
                                lab.runtime().freeze(lab.id(w), "m1", lab.parts().resolve("of-" + w.initPid()), () -> {});
                                lab.runtime().thaw(lab.id(w));
                            },
                            task -> Thread.ofPlatform().start(task)))
                    .toList();
            moves.forEach(CompletableFuture::join);
        }
        workloads.forEach(w -> w.stopAndJudge().check());
        lab.assertNothingLeft();
    }

    @Test
    void shouldNameWhatADeadCriuHasLeftInTheWorkingDirectoryBeforeItStopsAnything() throws IOException {
        PidWorkload workload = lab.workload(ChainSpec.of(1, 16));
        Path left = Path.of("/proc/" + workload.initPid() + "/cwd").toRealPath().resolve(ProcMountTurn.MOUNT_POINT);
        Files.createDirectory(left);
        try {
            DecampException refused = assertThrows(DecampException.class, () -> lab.freeze(workload));

            assertEquals("stale-proc-mount-point", refused.code());
            assertTrue(refused.getMessage().contains(left.toString()), refused.getMessage());
        } finally {
            Files.delete(left);
        }
        lab.freeze(workload);
        lab.runtime().thaw(lab.id(workload));
        workload.stopAndJudge().check();
        lab.assertNothingLeft();
    }

    @Test
    void shouldDieWithoutAnotherStepWhenKilled() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512).withTree(2, 3));
        lab.freeze(workload);
        long lines = workload.log().lines();

        lab.runtime().kill(lab.id(workload));

        assertEquals(List.of(), workload.log().inits());
        assertEquals(lines, workload.log().lines());
        workload.log().judge().check();
        assertDoesNotThrow(() -> lab.runtime().kill(lab.id(workload)), "a second kill does nothing");
        lab.assertNothingLeft();
    }

    @Test
    void shouldStayFrozenWhenCriuIsKilled() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.freeze(workload);

        lab.killCriu(workload);

        lab.assertStaysFrozen(workload);
        assertEquals(Hold.HELD_BY_FREEZER, lab.runtime().hold(lab.id(workload)));
        lab.runtime().thaw(lab.id(workload));
        workload.log().awaitLines(20, LIMIT);
        workload.stopAndJudge().check();
    }

    @Test
    void shouldStayFrozenWhenItsGateIsKilled() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.freeze(workload);

        lab.killGate(workload);

        Await.until("criu to give up", LIMIT, () -> lab.runtime().hold(lab.id(workload)) == Hold.HELD_BY_FREEZER);
        lab.assertStaysFrozen(workload);
        lab.runtime().kill(lab.id(workload));
        assertEquals(List.of(), workload.log().inits());
        workload.log().judge().check();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldGoOnWhenTheServiceIsStartedAnew(boolean commit) {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.freeze(workload);
        long lines = workload.log().lines();
        WorkloadRuntime next = lab.restarted();
        assertEquals(Hold.HELD, next.hold(lab.id(workload)));

        if (commit) {
            next.kill(lab.id(workload));
        } else {
            next.thaw(lab.id(workload));
        }

        if (commit) {
            assertEquals(lines, workload.log().lines());
        } else {
            workload.log().awaitLines(20, LIMIT);
            workload.stopAndJudge().check();
        }
        assertEquals(Hold.NONE, next.hold(lab.id(workload)));
        lab.assertNothingLeft();
    }

    @Test
    void shouldEndAFreezeThatWasCutOffBeforeItsDumpBegan() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512).withTree(1, 2));
        List<String> before = lab.cgroupsOf(workload);
        lab.beginFreeze(workload, before.getFirst());

        WorkloadRuntime next = lab.restarted();
        assertEquals(Hold.FREEZING, next.hold(lab.id(workload)));
        assertEquals("not-running", assertThrows(DecampException.class, () -> lab.freeze(workload)).code());
        next.thaw(lab.id(workload));

        assertEquals(before, lab.cgroupsOf(workload));
        assertEquals(Hold.NONE, next.hold(lab.id(workload)));
        lab.freeze(workload);
        next.thaw(lab.id(workload));
        workload.stopAndJudge().check();
        lab.assertNothingLeft();
    }

    @Test
    @Timeout(60)
    void shouldLeaveItsCgroupAlsoWhenThatIsNotedAsTheFormerOne() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.beginFreeze(workload, lab.lockOf(workload));

        lab.runtime().thaw(lab.id(workload));

        assertEquals(List.of("/"), lab.cgroupsOf(workload));
        workload.stopAndJudge().check();
        lab.assertNothingLeft();
    }

    @Test
    void shouldRunOnAndPassOnTheReasonWhenCriuCantDumpSomething() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));

        Process tracer = lab.traceByAnother(workload);

        DecampException failure = assertThrows(DecampException.class, () -> lab.freeze(workload));
        tracer.destroy();

        assertEquals("criu-failed", failure.code());
        assertTrue(failure.getMessage().contains("Unable to interrupt task"), failure::getMessage);
        workload.log().awaitLines(20, LIMIT);
        assertEquals(Hold.NONE, lab.runtime().hold(lab.id(workload)));
        lab.assertNothingLeft();
    }

    @Test
    void shouldRunOnWhenTheReaderOfItsMemoryFails() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        RuntimeException broken = new RuntimeException("the link broke");

        RuntimeException thrown = assertThrows(
                RuntimeException.class,
                () -> lab.runtime().freeze(lab.id(workload), "m1", lab.parts(), () -> {
                    throw broken;
                }));

        assertEquals(broken, thrown);
        workload.log().awaitLines(20, LIMIT);
        workload.stopAndJudge().check();
        lab.assertNothingLeft();
    }

    @Test
    void shouldFreezeASecondTimeAfterAThaw() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.freeze(workload);
        lab.runtime().thaw(lab.id(workload));

        lab.freeze(workload);

        lab.assertStaysFrozen(workload);
        lab.runtime().thaw(lab.id(workload));
        workload.stopAndJudge().check();
    }

    @Test
    void shouldRefuseAProcessThatIsNoInit() {
        WorkloadId self = new WorkloadId("pid:" + ProcessHandle.current().pid() + "@" + lab.node());

        DecampException refusal = assertThrows(DecampException.class, () -> lab.runtime().find(self));

        assertEquals("not-namespace-init", refusal.code());
    }

    @Test
    void shouldThawWhenTheImagesWereDeletedAlready() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.freeze(workload);
        JobDirectory.remove(lab.parts());

        lab.runtime().thaw(lab.id(workload));

        workload.stopAndJudge().check();
        lab.assertNothingLeft();
    }

    @Test
    void shouldKillARunningWorkloadThatItHasTracked() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512).withTree(1, 2));
        lab.runtime().adopt(lab.id(workload));

        lab.runtime().kill(lab.id(workload));

        assertEquals(List.of(), workload.log().inits());
        lab.runtime().kill(lab.id(workload));
        assertEquals("workload-not-found", findFailure(workload));
        lab.assertNothingLeft();
    }

    @Test
    void shouldNotKillAProcessThatOnlyHasThePidOfAWorkload() {
        PidWorkload stranger = lab.workload(ChainSpec.of(1, 16));

        DecampException refusal =
                assertThrows(DecampException.class, () -> lab.runtime().kill(lab.id(stranger)));

        assertEquals("workload-not-known", refusal.code());
        assertTrue(Procs.alive(stranger.initPid()));
        assertEquals(State.RUNNING, lab.runtime().find(lab.id(stranger)).state());
    }

    @Test
    void shouldNotTakeAProcessForAWorkloadThatHasLeft() {
        PidWorkload workload = lab.workload(ChainSpec.of(1, 16));
        WorkloadId id = lab.id(workload);
        lab.runtime().adopt(id);

        new Bindings(lab.settings().node(), lab.settings().stateDirectory()).unbind(id);

        assertEquals("workload-not-found", findFailure(workload));
        lab.runtime().kill(id);
        assertTrue(Procs.alive(workload.initPid()));
    }

    private String findFailure(PidWorkload workload) {
        return assertThrows(DecampException.class, () -> lab.runtime().find(lab.id(workload)))
                .code();
    }

    @Test
    void shouldReportMemoryAndThreadsOfAWorkloadThatCanBeMoved() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512).withTree(2, 3));

        var report = lab.runtime().check(lab.id(workload));

        assertEquals(List.of(), report.getFindingsList());
        assertEquals(3, report.getProcesses());
        assertTrue(report.getThreads() >= 9, () -> report.getThreads() + " threads");
        assertTrue(report.getLazyBytes() >= 16 << 20, () -> report.getLazyBytes() + " bytes");
    }

    @Test
    void shouldReportATracerAsABlocker() {
        PidWorkload workload = lab.workload(ChainSpec.of(1, 16));
        Process tracer = lab.traceByAnother(workload);

        var report = lab.runtime().check(lab.id(workload));

        tracer.destroy();
        assertEquals(List.of("traced"), report.getFindingsList().stream().map(f -> f.getCode()).toList());
    }
}
