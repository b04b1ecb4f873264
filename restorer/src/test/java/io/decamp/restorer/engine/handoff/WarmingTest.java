package io.decamp.restorer.engine.handoff;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WarmingTest {
    private final Warming warming = new Warming();

    @Test
    void shouldBeDoneAfterEachEpochButOneAtATime() {
        assertTrue(warming.begin(0));
        assertFalse(warming.begin(1), "one is under way");
        warming.succeeded();
        assertTrue(warming.begin(1));
    }

    @Test
    void shouldBeTriedSeldomWhereItHasFailed() {
        warming.begin(1_000);
        warming.failed(1_000, "no criu");
        assertFalse(warming.begin(30_999));
        assertTrue(warming.begin(31_000));
    }

    @Test
    void shouldTellAReasonOnceUntilItChanges() {
        warming.begin(0);
        assertTrue(warming.failed(0, "no criu"));
        warming.begin(40_000);
        assertFalse(warming.failed(40_000, "no criu"));
        warming.begin(80_000);
        assertTrue(warming.failed(80_000, "no agent"));
        warming.begin(120_000);
        warming.succeeded();
        warming.begin(120_000);
        assertTrue(warming.failed(120_000, "no agent"), "it had been mended meanwhile");
    }
}
