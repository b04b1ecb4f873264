package io.decamp.restorer.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.CopyRuntime.Held;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.WorkloadRuntime.State;
import io.decamp.linux.cgroup.FrozenKill;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Procs;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Copies beside their frozen sources, on one machine: both have PID namespaces of their own. */
class PidCopyTest {
    private CopyLab lab;

    @BeforeEach
    void setUp() {
        lab = new CopyLab(null, Long.MAX_VALUE);
    }

    @AfterEach
    void tearDown() {
        lab.close();
    }

    @Test
    void shouldGoOnWhereItsSourceStoppedWhenReleased() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        SealedReplica replica = lab.replicaOf(workload);
        long lines = workload.log().lines();
        Held held = lab.copies().prepare(lab.id(workload), replica, null);
        CopyLab.assertStaysFrozen(workload, lines);
        assertEquals(Hold.HELD, lab.copies().hold(lab.id(workload)));
        assertEquals(0, Procs.statusField(held.initPid(), "TracerPid").map(Integer::parseInt).orElseThrow());

        lab.copies().release(lab.id(workload));

        workload.log().awaitLines(20, CopyLab.LIMIT);
        assertEquals(Hold.RELEASED, lab.copies().hold(lab.id(workload)));
        lab.source().kill(lab.id(workload));
        workload.stopAndJudge().check();
        assertFalse(Files.exists(lab.copyDirectory(workload)), "links would keep the replica's memory");
    }

    @Test
    void shouldRestoreTreesOfThreads() {
        PidWorkload workload = lab.workload(ChainSpec.of(24, 512).withTree(3, 3).withZeroPercent(30));
        SealedReplica replica = lab.replicaOf(workload);
        lab.copies().prepare(lab.id(workload), replica, null);
        lab.source().kill(lab.id(workload));

        lab.copies().release(lab.id(workload));

        workload.log().awaitLines(100, CopyLab.LIMIT);
        workload.stopAndJudge().check();
    }

    @Test
    void shouldLeaveTheSourceAbleToRunOnWhenDestroyed() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        SealedReplica replica = lab.replicaOf(workload);
        lab.copies().prepare(lab.id(workload), replica, null);

        lab.copies().destroy(lab.id(workload));

        assertEquals(Hold.NONE, lab.copies().hold(lab.id(workload)));
        assertFalse(lab.cgroupOfCopy(workload).exists());
        assertFalse(Files.exists(lab.copyDirectory(workload)));
        assertDoesNotThrow(() -> lab.copies().destroy(lab.id(workload)), "a second destroy does nothing");
        lab.source().thaw(lab.id(workload));
        workload.log().awaitLines(20, CopyLab.LIMIT);
        workload.stopAndJudge().check();
    }

    @Test
    void shouldRestoreAgainFromTheSameReplicaAfterADestroy() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        SealedReplica replica = lab.replicaOf(workload);
        lab.copies().prepare(lab.id(workload), replica, null);
        lab.copies().destroy(lab.id(workload));

        lab.copies().prepare(lab.id(workload), replica, null);

        lab.source().kill(lab.id(workload));
        lab.copies().release(lab.id(workload));
        workload.log().awaitLines(20, CopyLab.LIMIT);
        workload.stopAndJudge().check();
    }

    @Test
    void shouldReleaseWhatAnEarlierServiceHasPrepared() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.copies().prepare(lab.id(workload), lab.replicaOf(workload), null);
        lab.restarted();
        assertEquals(Hold.HELD, lab.copies().hold(lab.id(workload)));

        lab.copies().release(lab.id(workload));

        lab.source().kill(lab.id(workload));
        workload.log().awaitLines(20, CopyLab.LIMIT);
        lab.restarted();
        assertEquals(Hold.RELEASED, lab.copies().hold(lab.id(workload)));
        assertDoesNotThrow(() -> lab.copies().release(lab.id(workload)), "a second release does nothing");
        workload.stopAndJudge().check();
    }

    @Test
    void shouldReleaseWhatAnEarlierServiceNotedAsReleasedAndLeftFrozen() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        Held held = lab.copies().prepare(lab.id(workload), lab.replicaOf(workload), null);
        lab.source().kill(lab.id(workload));
        beginRelease(workload, held);
        lab.restarted();
        assertEquals(Hold.RELEASING, lab.copies().hold(lab.id(workload)));

        lab.copies().release(lab.id(workload));

        workload.log().awaitLines(20, CopyLab.LIMIT);
        assertEquals(Hold.RELEASED, lab.copies().hold(lab.id(workload)));
        workload.stopAndJudge().check();
    }

    @Test
    void shouldSayThatNoCopyIsThereWhenItDiedBeforeItsReleaseWasOver() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        SealedReplica replica = lab.replicaOf(workload);
        Held held = lab.copies().prepare(lab.id(workload), replica, null);
        beginRelease(workload, held);
        FrozenKill.all(lab.cgroupOfCopy(workload), CopyLab.LIMIT, () -> {});

        assertEquals(Hold.NONE, lab.copies().hold(lab.id(workload)));

        lab.copies().prepare(lab.id(workload), replica, null);
        assertEquals(Hold.HELD, lab.copies().hold(lab.id(workload)), "another copy can be made");
    }

    /** As a service does that is killed right after it. */
    private void beginRelease(PidWorkload workload, Held held) {
        CopyRecord copy = lab.records().find(lab.id(workload)).orElseThrow();
        lab.records().put(copy.withReleasing(ProcessIdentity.of(held.initPid()).orElseThrow(), copy.cgroup()));
    }

    @Test
    void shouldRefuseToDestroyWhatMayHaveRun() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.copies().prepare(lab.id(workload), lab.replicaOf(workload), null);
        lab.source().kill(lab.id(workload));
        lab.copies().release(lab.id(workload));

        DecampException refusal =
                assertThrows(DecampException.class, () -> lab.copies().destroy(lab.id(workload)));

        assertEquals("copy-released", refusal.code());
        workload.log().awaitLines(20, CopyLab.LIMIT);
    }

    @Test
    void shouldBeFoundByItsOldIdOnItsNewNode() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        Held held = lab.copies().prepare(lab.id(workload), lab.replicaOf(workload), null);
        lab.source().kill(lab.id(workload));

        lab.copies().release(lab.id(workload));

        var found = lab.sourceAtDestination().find(lab.id(workload));
        assertEquals(held.initPid(), found.initPid());
        assertEquals(State.RUNNING, found.state());
        DecampException gone =
                assertThrows(DecampException.class, () -> lab.source().find(lab.id(workload)));
        assertEquals("workload-not-found", gone.code());
    }

    @Test
    void shouldMoveOnFromWhereItWasMovedTo() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        lab.copies().prepare(lab.id(workload), lab.replicaOf(workload), null);
        lab.source().kill(lab.id(workload));
        lab.copies().release(lab.id(workload));
        workload.log().awaitLines(20, CopyLab.LIMIT);
        var second = lab.sourceAtDestination();
        var frozen = second.freeze(lab.id(workload), "m2", lab.directory().resolve("parts2"), () -> {});
        SealedReplica replica = lab.seal(frozen, second.find(lab.id(workload)).initPid());

        second.kill(lab.id(workload));
        lab.copies().prepare(lab.id(workload), replica, null);
        lab.copies().release(lab.id(workload));

        workload.log().awaitLines(20, CopyLab.LIMIT);
        workload.stopAndJudge().check();
    }

    @Test
    void shouldLeaveNothingAndPassOnTheReasonWhenAnImageIsBroken() throws IOException {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        SealedReplica replica = lab.replicaOf(workload);
        Files.write(replica.partsDirectory().resolve("core-1.img"), new byte[] {1, 2, 3, 4, 5, 6, 7, 8});

        DecampException failure = assertThrows(
                DecampException.class, () -> lab.copies().prepare(lab.id(workload), replica, null));

        assertEquals("restore-failed", failure.code());
        assertTrue(failure.getMessage().contains("magic"), failure::getMessage);
        assertEquals(Hold.NONE, lab.copies().hold(lab.id(workload)));
        assertFalse(lab.cgroupOfCopy(workload).exists());
        assertFalse(Files.exists(lab.copyDirectory(workload)));
        assertEquals(List.of(workload.initPid()), workload.log().inits());
    }
}
