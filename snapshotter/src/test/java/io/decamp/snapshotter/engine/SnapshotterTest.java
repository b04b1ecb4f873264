package io.decamp.snapshotter.engine;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.Severity;
import io.decamp.contracts.v1.Truth;
import io.decamp.contracts.v1.WorkloadSpec;
import io.opentelemetry.context.Context;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotterTest {
    private static final WorkloadId REDIS = new WorkloadId("runc:redis");

    @TempDir
    Path directory;

    private final FakeWorld world = new FakeWorld();
    private Snapshotter snapshotter;

    @BeforeEach
    void start() {
        snapshotter = new Snapshotter(world.ports(directory), world, id -> world.calls.add("undesired"));
    }

    @AfterEach
    void stop() {
        snapshotter.close();
    }

    private static WorkloadSpec spec() {
        return WorkloadSpec.newBuilder()
                .setWorkload(REDIS.value())
                .addNodes("alpha")
                .addNodes("beta")
                .setPolicy(Policy.newBuilder().setMinIntervalMicros(1000).setMaxIntervalMicros(2000))
                .build();
    }

    private static MigrationOrder order(NodeId destination) {
        return order(destination, false);
    }

    private static MigrationOrder order(NodeId destination, boolean dryRun) {
        return new MigrationOrder(
                "m1", REDIS, Reason.MANUAL, destination, 1, System.nanoTime(), 0, dryRun, Context.root());
    }

    private void protect() {
        snapshotter.specified(REDIS, spec());
        await().until(() -> world.pagesDirty.size() >= 2);
    }

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
        List<String> after = world.calls.subList(world.calls.indexOf("freeze"), world.calls.indexOf("thaw") + 1);
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
    void shouldOweWhatItDidNotSendBeforeTheFreeze() {
        protect();
        world.pagesWritten = 700;

        snapshotter.requested(order(null));

        await().until(() -> !world.measured.isEmpty());
        assertEquals("small-enough", world.measured.getFirst().getConvergedBy());
        List<String> before = world.calls.subList(0, world.calls.indexOf("freeze"));
        assertTrue(before.contains("defer 700"), before::toString);
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
        assertTrue(world.calls.indexOf("seal 1") < world.calls.indexOf("freeze"));
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
    void shouldClaimWhenTheRegisterAnswersAgain() {
        world.registerDown = true;
        snapshotter.specified(REDIS, spec());
        await().until(() -> world.calls.contains("append"));

        world.registerDown = false;

        await().until(() -> !world.pagesDirty.isEmpty());
        assertFalse(world.calls.contains("undesired"));
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
