package io.decamp.snapshotter.engine;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.Truth;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Moves and dry runs, as the snapshotter makes them. */
class EvictionTest extends SnapshotterFixture {
    @Test
    void shouldOfferOnlyAfterTheFinalEpochIsSealedAndTellTheDestination() {
        protect();

        snapshotter.requested(order(null));

        await().until(() -> world.calls.contains("untrack"));
        List<String> after = List.copyOf(world.calls).subList(world.calls.indexOf("freeze"), world.calls.size());
        List<String> steps = after.stream().filter(call -> !call.startsWith("settled")).toList();
        assertEquals("freeze", steps.get(0));
        assertEquals("scan-STOPPED", steps.get(1));
        assertTrue(steps.get(2).startsWith("seal "));
        assertEquals("scan-HELD", steps.get(3));
        assertEquals("part core-1.img", steps.get(4));
        assertEquals("seal-final", steps.get(5));
        assertTrue(after.indexOf("ready-final") < after.indexOf("offer"));
        assertTrue(world.failures.isEmpty());
    }

    @Test
    void shouldThawAfterADryRunAndNeverOffer() {
        protect();

        snapshotter.requested(order(null, true));

        await().until(() -> !world.measured.isEmpty());
        List<String> calls = List.copyOf(world.calls);
        List<String> after = calls.subList(calls.indexOf("freeze"), calls.indexOf("thaw") + 1);
        assertTrue(after.contains("scan-HELD"));
        assertTrue(after.contains("part core-1.img"));
        assertTrue(world.measured.getFirst().getDryRun());
        assertTrue(world.measured.getFirst().getReal().getDowntimeMicros() > 0);
        int reported = world.pagesDirty.size();
        await().until(() -> world.pagesDirty.size() > reported);
        assertFalse(world.calls.contains("seal-final"));
        assertFalse(world.calls.contains("ready-final"));
        assertFalse(world.calls.contains("offer"));
        assertEquals(1, world.sealedByGeneration.size(), "epochs of the same replica go on");
        assertFalse(Files.exists(directory.resolve("parts").resolve(REDIS.fileName())));
    }

    @Test
    void shouldLetAWorkloadRunOnWhenItsDryRunFails() {
        protect();
        world.freezeFails = true;

        snapshotter.requested(order(null, true));

        await().until(() -> !world.failures.isEmpty());
        assertTrue(world.calls.contains("thaw"));
        assertTrue(world.measured.isEmpty());
    }

    @Test
    void shouldForgetAWorkloadThatNobodyProtectsAfterItsDryRun() {
        snapshotter.requested(order(null, true));

        await().until(() -> !world.measured.isEmpty());
        await().until(() -> world.current(REDIS) instanceof HandoffState.Unowned);
        assertTrue(world.calls.contains("untrack"));
        assertFalse(world.calls.contains("offer"));
        assertFalse(world.calls.contains("undesired"));
    }

    @Test
    void shouldRefuseADryRunThatWouldGiveTheReplicaUp() {
        protect();

        snapshotter.requested(order(new NodeId("gamma"), true));

        await().until(() -> !world.failures.isEmpty());
        assertEquals("dry-run-elsewhere", world.failures.getFirst().getCode());
        assertFalse(world.calls.contains("freeze"));
    }

    @Test
    void shouldTellTheProgressAndWhatAnEvictionTookBesideWhatWasPredicted() {
        protect();
        world.pagesWritten = 100_000;

        snapshotter.requested(order(null));

        await().until(() -> !world.measured.isEmpty());
        var measured = world.measured.getFirst();
        var real = measured.getReal();
        assertFalse(measured.getDryRun());
        assertEquals(
                real.getTotalMicros(),
                real.getRoundsMicros() + real.getFreezeMicros() + real.getFinalDeltaMicros() + real.getHandOffMicros(),
                3);
        assertEquals("sent-limit", measured.getConvergedBy(), "256 pages are tracked and 100,000 written each time");
        assertTrue(measured.getPagesFirst() > 0);
        assertTrue(measured.getPagesAgain() > 0);
        List<String> steps = world.progress.stream().map(MigrationProgress::getStep).distinct().toList();
        assertEquals(List.of("last-rounds", "freeze"), steps, "nothing is said while the workload waits");
        assertTrue(world.progress.stream().allMatch(p -> p.getShare() >= 0 && p.getShare() <= 1));
    }

    @Test
    void shouldSealTheLastRoundsWithTheStoppedRound() {
        protect();
        world.pagesWritten = 700;

        snapshotter.requested(order(null));

        await().until(() -> !world.measured.isEmpty());
        assertEquals("small-enough", world.measured.getFirst().getConvergedBy());
        List<String> calls = List.copyOf(world.calls);
        int freeze = calls.indexOf("freeze");
        assertFalse(calls.subList(calls.subList(0, freeze).lastIndexOf("scan"), freeze).stream()
                .anyMatch(call -> call.startsWith("seal")));
        assertTrue(calls.indexOf("scan-STOPPED") > freeze, calls::toString);
        assertFalse(calls.contains("defer 700"), calls::toString);
    }

    @Test
    void shouldKeepWhatTheLastRoundsBroughtWhenTheFreezeFails() {
        protect();
        world.pagesWritten = 700;
        world.freezeFails = true;

        snapshotter.requested(order(null));

        await().until(() -> world.calls.contains("defer 700"));
        List<String> calls = List.copyOf(world.calls);
        assertTrue(calls.get(calls.indexOf("defer 700") + 1).startsWith("seal"), calls::toString);
    }

    @Test
    void shouldLetTheWorkloadRunOnWhenTheFreezeFails() {
        protect();
        world.freezeFails = true;

        snapshotter.requested(order(null));

        await().until(() -> !world.failures.isEmpty());
        assertTrue(world.calls.contains("thaw"));
        assertFalse(world.calls.contains("offer"));
        assertEquals("criu-failed", world.failures.getFirst().getCode());
        assertEquals("freeze", world.failures.getFirst().getStep());
        assertEquals(Truth.RUNNING_AT_SOURCE, world.failures.getFirst().getTruth());
        int reported = world.pagesDirty.size();
        await().until(() -> world.pagesDirty.size() > reported);
    }

    @Test
    void shouldTakeANewRequestAsSoonAsItToldThatOneFailed() {
        protect();
        world.freezeFails = true;
        world.onFailure = failure -> {
            world.onFailure = none -> {};
            world.freezeFails = false;
            snapshotter.requested(order("m2", null, false));
        };

        snapshotter.requested(order(null));

        await().until(() -> world.calls.contains("offer"));
        assertEquals(
                List.of("criu-failed"),
                world.failures.stream().map(MigrationFailed::getCode).toList());
    }

    @Test
    void shouldGoOnProtectingWhenNobodyTookTheOffer() {
        protect();
        world.outcome = Handover.Outcome.KEPT;

        snapshotter.requested(order(null));

        await().until(() -> !world.failures.isEmpty());
        assertEquals("not-taken", world.failures.getFirst().getCode());
        int reported = world.pagesDirty.size();
        await().until(() -> world.pagesDirty.size() > reported);
    }

    @Test
    void shouldRefuseARequestForAWorkloadThatRunsElsewhere() {
        world.states.put(REDIS, new HandoffState.Owned(FakeWorld.BETA, 4));

        snapshotter.requested(order(null));

        await().until(() -> !world.failures.isEmpty());
        assertEquals("workload-elsewhere", world.failures.getFirst().getCode());
        assertEquals(Truth.NOT_HERE, world.failures.getFirst().getTruth());
        assertFalse(world.calls.contains("freeze"));
    }

    @Test
    void shouldRefuseItselfAsDestination() {
        protect();

        snapshotter.requested(order(FakeWorld.ALPHA));

        await().until(() -> !world.failures.isEmpty());
        assertEquals("destination-is-source", world.failures.getFirst().getCode());
    }

    @Test
    void shouldEvictAWorkloadThatWasNeverProtected() {
        snapshotter.requested(order(null));

        await().until(() -> world.calls.contains("offer"));
        assertTrue(world.calls.indexOf("scan") < world.calls.indexOf("freeze"));
        assertTrue(world.calls.indexOf("seal 1") < world.calls.indexOf("offer"));
    }

    @Test
    void shouldProtectAWorkloadThatCameBackWhileItsDepartureWasTidiedUp() throws InterruptedException {
        protect();
        var untracking = new CountDownLatch(1);
        world.onUntrack = () -> {
            // the other node has sent it back before this one has forgotten it
            world.change(REDIS, new HandoffState.Owned(FakeWorld.ALPHA, 9));
            untracking.countDown();
        };
        snapshotter.requested(order(null));
        assertTrue(untracking.await(5, TimeUnit.SECONDS));
        int reported = world.pagesDirty.size();

        await().until(() -> world.pagesDirty.size() > reported);
    }

    @Test
    void shouldNotFreezeForARegisterThatDoesNotAnswer() {
        protect();
        world.registerDown = true;

        snapshotter.requested(order(null));

        await().until(() -> !world.failures.isEmpty());
        assertEquals("register-unreachable", world.failures.getFirst().getCode());
        assertFalse(world.calls.contains("freeze"));
        int reported = world.pagesDirty.size();
        await().until(() -> world.pagesDirty.size() > reported);
    }

    @Test
    void shouldThawWhenTheFinalDeltaFailsInAWayNobodyForesaw() {
        protect();
        world.sealFinalFails = true;

        snapshotter.requested(order(null));

        await().until(() -> world.calls.contains("thaw"));
        int reported = world.pagesDirty.size();
        await().until(() -> world.pagesDirty.size() > reported);
        assertFalse(world.calls.contains("offer"));
    }

    @Test
    void shouldNotMoveAWorkloadAgainForARequestThatIsDeliveredAgain() {
        protect();
        snapshotter.requested(order(null));
        await().until(() -> world.calls.contains("untrack"));
        snapshotter.close();
        snapshotter = new Snapshotter(world.ports(directory), world, id -> world.calls.add("undesired"));
        world.states.put(REDIS, new HandoffState.Owned(FakeWorld.ALPHA, 9));
        snapshotter.specified(REDIS, spec());
        int reported = world.pagesDirty.size();

        snapshotter.requested(order(null));

        await().until(() -> world.pagesDirty.size() > reported + 3);
        assertEquals(1, world.calls.stream().filter("freeze"::equals).count());
    }
}
