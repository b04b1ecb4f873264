package io.decamp.snapshotter.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.v1.WireSavings;
import io.decamp.contracts.v1.Policy;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FaultBudgetPolicyTest {
    private static EpochStats written(long pages, long elapsedMillis) {
        return new EpochStats(1, elapsedMillis * 1000, pages, pages, 0, pages * 4096, 1 << 30, 500, 2000, 0, 1, "all-sent",
                WireSavings.getDefaultInstance());
    }

    @Test
    void shouldStayAtTheLowerBoundForAnIdleWorkload() {
        var policy = new FaultBudgetPolicy(Policy.getDefaultInstance());

        Duration next = policy.next(written(0, 500));

        assertEquals(FaultBudgetPolicy.DEFAULT_MIN, next);
    }

    @Test
    void shouldStretchTheIntervalByAtMostTwoWhenFaultsExceedTheBudget() {
        var policy = new FaultBudgetPolicy(Policy.getDefaultInstance());

        Duration next = policy.next(written(50_000, 500));

        assertEquals(FaultBudgetPolicy.DEFAULT_MIN.multipliedBy(2), next);
    }

    @Test
    void shouldNeverExceedTheUpperBoundHoweverFastTheWriter() {
        var policy = new FaultBudgetPolicy(
                Policy.newBuilder().setMaxIntervalMicros(3_000_000).build());

        Duration last = Duration.ZERO;
        for (int i = 0; i < 20; i++) {
            last = policy.next(written(1_000_000, 500));
        }

        assertEquals(Duration.ofSeconds(3), last);
    }

    @Test
    void shouldComeBackToTheLowerBoundWhenTheWriterCalmsDown() {
        var policy = new FaultBudgetPolicy(Policy.getDefaultInstance());
        for (int i = 0; i < 20; i++) {
            policy.next(written(1_000_000, 500));
        }

        Duration last = Duration.ZERO;
        for (int i = 0; i < 20; i++) {
            last = policy.next(written(10, 500));
        }

        assertEquals(FaultBudgetPolicy.DEFAULT_MIN, last);
    }

    @Test
    void shouldSettleWhereTheFaultsMeetTheBudgetWhenWritesSaturate() {
        var policy = new FaultBudgetPolicy(
                Policy.newBuilder().setWriteFaultsPerSecond(10_000).build());
        long hotPages = 20_000; // all of them are written however short the interval

        Duration interval = Duration.ofMillis(500);
        for (int i = 0; i < 30; i++) {
            interval = policy.next(written(hotPages, interval.toMillis()));
        }

        double faults = hotPages / (interval.toNanos() / 1e9);
        assertTrue(Math.abs(faults - 10_000) < 500, "faults a second: " + faults);
    }
}
