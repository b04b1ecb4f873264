package io.decamp.snapshotter.engine;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.Truth;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrozenNoticeTest {
    private static final WorkloadId REDIS = new WorkloadId("runc:redis");
    private static final Duration PATIENCE = Duration.ofMillis(50);

    private final FakeWorld world = new FakeWorld();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final FrozenNotice notice = new FrozenNotice(FakeWorld.ALPHA, world, timer, PATIENCE);

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    @Test
    void shouldTellOnceForEachReasonWhatAFrozenWorkloadWaitsFor() {
        notice.waits(REDIS, "m1", "beta to take it");
        notice.waits(REDIS, "m1", "beta to take it");
        await().until(() -> world.failures.size() == 1);

        notice.waits(REDIS, "m1", "the register");

        await().until(() -> world.failures.size() == 2);
        MigrationFailed told = world.failures.getFirst();
        assertEquals("still-frozen", told.getCode());
        assertEquals(Truth.FROZEN_AT_SOURCE, told.getTruth());
        assertEquals("beta to take it", told.getWaitingFor());
        assertEquals(
                List.of("beta to take it", "the register"),
                world.failures.stream().map(MigrationFailed::getWaitingFor).toList());
    }

    @Test
    void shouldSayNothingOfAHandOffThatEndsInTime() throws InterruptedException {
        notice.waits(REDIS, "m1", "beta to take it");

        notice.over(REDIS);

        var later = new CountDownLatch(1);
        timer.schedule(later::countDown, 2 * PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        assertTrue(later.await(5, TimeUnit.SECONDS));
        assertEquals(List.of(), world.failures);
    }
}
