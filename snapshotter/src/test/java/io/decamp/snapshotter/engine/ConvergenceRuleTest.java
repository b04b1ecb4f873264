package io.decamp.snapshotter.engine;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ConvergenceRuleTest {
    private final ConvergenceRule rule = new ConvergenceRule(1000, 5, 0.7);

    @Test
    void shouldFreezeAtOnceWhenLittleIsWritten() {
        assertFalse(rule.another(1, -1, 1000));
    }

    @Test
    void shouldMakeAnotherRoundAfterALargeFirstOne() {
        assertTrue(rule.another(1, -1, 100_000));
    }

    @Test
    void shouldStopWhenRoundsNoLongerShrink() {
        assertFalse(rule.another(2, 100_000, 90_000));
    }

    @Test
    void shouldStopAtTheLimitOfRounds() {
        assertFalse(rule.another(5, 100_000, 10_000));
    }
}
