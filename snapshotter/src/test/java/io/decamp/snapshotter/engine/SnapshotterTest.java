package io.decamp.snapshotter.engine;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Severity;
import io.decamp.contracts.v1.Truth;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SnapshotterTest extends SnapshotterFixture {
    @Test
    void shouldClaimAndShipAWorkloadThatIsSpecifiedForThisNode() {
        protect();

        assertEquals(new HandoffState.Owned(FakeWorld.ALPHA, 1), world.current(REDIS));
        List<String> calls = List.copyOf(world.calls);
        assertEquals(List.of("open", "track", "broken", "scan", "seal 1", "settled 1"), calls.subList(0, 6));
        assertInstanceOf(ProtectionState.Protecting.class, snapshotter.states().get(REDIS));
    }

    @Test
    void shouldRefuseAPolicyThatMakesNoSense() {
        Policy reversed = Policy.newBuilder().setMinIntervalMicros(2000).setMaxIntervalMicros(1000).build();

        snapshotter.specified(REDIS, spec().toBuilder().setPolicy(reversed).build());

        await().until(() -> !world.failures.isEmpty());
        assertEquals("bad-policy", world.failures.getFirst().getCode());
        assertEquals(new HandoffState.Unowned(0), world.current(REDIS));
    }

    @Test
    void shouldFollowAChangeOfStandbyAndPolicy() {
        snapshotter.specified(REDIS, spec().toBuilder().clearNodes().addNodes("alpha").build());
        await().until(() -> snapshotter.states().get(REDIS) != null);

        snapshotter.specified(REDIS, spec());

        await().until(() -> !world.pagesDirty.isEmpty());
        assertEquals("beta", world.pagesDirty.getFirst().getStandby());
    }

    @Test
    void shouldProtectAWorkloadOnceItCanBeTracked() {
        world.refusesTracking = true;
        snapshotter.specified(REDIS, spec());
        await().until(() -> snapshotter.states().get(REDIS) instanceof ProtectionState.Waiting);

        world.refusesTracking = false;

        await().until(() -> world.pagesDirty.size() >= 2);
        assertEquals(new HandoffState.Owned(FakeWorld.ALPHA, 1), world.current(REDIS));
    }

    @Test
    void shouldNotInventAWriteRateForTheFirstEpoch() {
        protect();

        assertEquals(0, world.pagesDirty.get(0).getPagesPerSecond());
        assertTrue(world.pagesDirty.get(1).getPagesPerSecond() > 0, world.pagesDirty.get(1)::toString);
    }

    @Test
    void shouldRefuseWhatCannotBeMovedWhenItIsToBeProtected() {
        world.findings = PreflightReport.newBuilder()
                .addFindings(Finding.newBuilder()
                        .setSeverity(Severity.BLOCKER)
                        .setCode("io-uring")
                        .setWhat("Process 7 uses io_uring")
                        .setAdvice("Turn it off"))
                .build();

        snapshotter.specified(REDIS, spec());

        await().until(() -> world.calls.contains("undesired"));
        assertEquals("io-uring", world.failures.getFirst().getCode());
        assertEquals(Truth.RUNNING_AT_SOURCE, world.failures.getFirst().getTruth());
        assertFalse(world.calls.contains("track"));
    }

    @Test
    void shouldPutUnsealedPagesBackAndConnectAgainWhenTheStandbyComesBack() {
        protect();
        world.standbyDown = true;
        await().until(() -> snapshotter.states().get(REDIS) instanceof ProtectionState.Waiting);
        assertTrue(world.calls.contains("broken"));
        int reported = world.pagesDirty.size();

        world.standbyDown = false;

        await().until(() -> world.pagesDirty.size() > reported);
        assertEquals(1, world.sealedByGeneration.size());
    }

    @Test
    void shouldShipEverythingAnewWhenTheStandbyHasLostItsReplica() {
        protect();
        world.standbyDown = true;
        await().until(() -> snapshotter.states().get(REDIS) instanceof ProtectionState.Waiting);
        long lost = world.sealedByGeneration.keySet().iterator().next();
        world.sealedByGeneration.clear();

        world.standbyDown = false;

        await().until(() -> !world.sealedByGeneration.isEmpty());
        assertTrue(world.sealedByGeneration.keySet().iterator().next() > lost);
    }

    @Test
    void shouldSayThatAWorkloadHasEndedAndTakeItOutOfTheDesiredState() {
        protect();

        world.running = false;

        await().until(() -> world.calls.contains("undesired"));
        assertEquals("workload-ended", world.failures.getFirst().getCode());
        assertInstanceOf(HandoffState.Unowned.class, world.current(REDIS));
    }

    @Test
    void shouldGiveEverythingBackWhenProtectionIsReleased() {
        protect();

        snapshotter.specified(REDIS, null);

        await().until(() -> world.calls.contains("untrack"));
        await().until(() -> world.current(REDIS) instanceof HandoffState.Unowned);
        assertFalse(world.calls.contains("kill"));
    }

    @Test
    void shouldNotDropAWorkloadWhoseTrackingFailsForNow() {
        world.trackFails = true;
        snapshotter.specified(REDIS, spec());
        await().until(() -> snapshotter.states().get(REDIS) instanceof ProtectionState.Waiting);

        world.trackFails = false;

        await().until(() -> !world.pagesDirty.isEmpty());
        assertFalse(world.calls.contains("undesired"));
        assertInstanceOf(HandoffState.Owned.class, world.current(REDIS));
    }

    @Test
    void shouldSettleWhatAnEarlierRunLeftFrozenBeforeItTracks() {
        world.states.put(REDIS, new HandoffState.Owned(FakeWorld.ALPHA, 1));
        world.resumed = Optional.of(Handover.Outcome.KEPT);
        world.resumeFailures = 2;

        snapshotter.specified(REDIS, spec());
        snapshotter.look(REDIS);

        await().until(() -> !world.pagesDirty.isEmpty());
        assertEquals(List.of("resume", "resume", "resume", "open"), List.copyOf(world.calls).subList(0, 4));
    }

    @Test
    void shouldSettleAnOfferOfAWorkloadThatNobodyWantsProtected() {
        var digest = new Digest(new byte[32]);
        world.states.put(REDIS, new HandoffState.Offered(FakeWorld.ALPHA, FakeWorld.BETA, 2, digest, "m1"));

        snapshotter.look(REDIS);

        await().until(() -> world.calls.contains("resume"));
        assertFalse(world.calls.contains("track"));
    }

    @Test
    void shouldReleaseAtItsStartWhatWasReleasedWhileItWasDown() {
        protect();
        snapshotter.close();
        snapshotter = new Snapshotter(world.ports(directory), world, id -> world.calls.add("undesired"));

        snapshotter.look(REDIS);

        await().until(() -> world.current(REDIS) instanceof HandoffState.Unowned);
        assertTrue(world.calls.contains("untrack"));
    }

    @Test
    void shouldDestroyWhatAFencedNodeHoldsBeforeItClaimsAnything() {
        world.states.put(REDIS, new HandoffState.Unowned(3, Optional.of(FakeWorld.ALPHA)));
        world.onResume = () -> world.running = false;

        snapshotter.specified(REDIS, spec());

        await().until(() -> world.calls.contains("undesired"));
        assertEquals(new HandoffState.Unowned(4), world.current(REDIS));
        assertEquals("resume", world.calls.getFirst());
        assertFalse(world.calls.contains("track"));
    }

    @Test
    void shouldClaimWhenTheRegisterAnswersAgain() {
        world.registerDown = true;
        snapshotter.specified(REDIS, spec());
        await().until(() -> world.calls.contains("append"));

        world.registerDown = false;

        await().until(() -> !world.pagesDirty.isEmpty());
        assertFalse(world.calls.contains("undesired"));
    }

    @Test
    void shouldKillAndForgetAtItsStartWhatTheOtherNodeOwnsByNow() {
        protect();
        snapshotter.close();
        world.states.put(REDIS, new HandoffState.Owned(FakeWorld.BETA, 5));
        world.resumed = Optional.of(Handover.Outcome.COMMITTED);
        world.calls.clear();
        snapshotter = new Snapshotter(world.ports(directory), world, id -> world.calls.add("undesired"));

        snapshotter.specified(REDIS, spec());
        snapshotter.look(REDIS);

        await().until(() -> world.calls.contains("untrack"));
        assertEquals("resume", world.calls.getFirst());
        assertFalse(world.calls.contains("undesired"));
    }
}
