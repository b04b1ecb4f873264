package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class FillPlanTest {
    private static final Duration LONG = Duration.ofNanos(2 * FillPlan.STALL_NANOS);

    private long nanos;
    private final FillPlan plan = new FillPlan(() -> {}, () -> nanos);

    /** Such a copy would be frozen for good, as one whose memory is lost. */
    @Test
    void shouldNotTakeTheTimeForWhichACopyWasHeldForAStall() {
        nanos += LONG.toNanos();

        plan.begin();

        assertEquals(0, plan.stalledNanos());
    }

    @Test
    void shouldTellForHowLongNothingWasPlaced() {
        plan.begin();
        plan.done(4096);
        nanos += LONG.toNanos();

        plan.done(0);

        assertTrue(plan.stalledNanos() > FillPlan.STALL_NANOS);
    }
}
