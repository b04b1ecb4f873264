package io.decamp.snapshotter.engine.propagation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.decamp.snapshotter.engine.model.WriteRates;
import io.decamp.snapshotter.engine.propagation.StopRule.Reason;
import org.junit.jupiter.api.Test;

class StopRuleTest {
    private static final long GIB_PAGES = 1 << 18;
    private static final long LINK = 100L << 20;
    /** What the link brings in {@link StopRule#SMALL_MICROS}. */
    private static final long SMALL = LINK / 10 / 4096;

    private final StopRule rule = new StopRule(Long.MAX_VALUE);

    /** A workload of which this many pages will be found written, however soon. */
    private static WriteRates writing(double pages) {
        return new WriteRates() {
            @Override
            public double ratePerPage(long space, long address) {
                return 0;
            }

            @Override
            public boolean known() {
                return true;
            }

            @Override
            public double writtenPages(double seconds) {
                return pages;
            }
        };
    }

    private Reason check(long owed, long sent, double written) {
        return rule.check(owed, sent, GIB_PAGES, 1, LINK, writing(written), 0);
    }

    @Test
    void shouldFreezeWhenWhatIsOwedGoesWhileTheStateIsCaptured() {
        assertEquals(Reason.SMALL_ENOUGH, check(SMALL, 0, SMALL / 2));
        assertNull(check(SMALL + 1, 0, SMALL / 2));
    }

    @Test
    void shouldMakeAnotherRoundWhenThatLeavesNextToNothing() {
        assertNull(check(SMALL, 0, SMALL / 8));
        assertEquals(Reason.SMALL_ENOUGH, check(StopRule.SMALL_PAGES, 0, 1), "but not for ten milliseconds");
    }

    @Test
    void shouldCountPagesWhileTheLinkIsNotKnown() {
        assertNull(rule.check(StopRule.SMALL_PAGES + 1, 0, GIB_PAGES, 1, 0, writing(0), 0));
        assertEquals(Reason.SMALL_ENOUGH, rule.check(StopRule.SMALL_PAGES, 0, GIB_PAGES, 1, 0, writing(0), 0));
    }

    @Test
    void shouldEndWhenTwiceTheMemoryHasBeenSent() {
        assertNull(check(100_000, 2 * GIB_PAGES - 1, 0));
        assertEquals(Reason.SENT_LIMIT, check(60_000, 2 * GIB_PAGES, 0));
    }

    @Test
    void shouldEndWhenTheWholeMemoryWasSentOnceMoreAndNearlyAsMuchIsOwed() {
        assertNull(check(100_000, 0, 0));
        assertNull(check(71_000, GIB_PAGES - 1, 0));
        assertEquals(Reason.NO_GAIN, check(71_000, GIB_PAGES, 0));
    }

    @Test
    void shouldGoOnAsLongAsItGains() {
        assertNull(check(100_000, 0, 0));
        assertNull(check(70_000, GIB_PAGES, 0));
        assertNull(check(49_000, 2 * GIB_PAGES - 1, 0));
    }

    @Test
    void shouldNotWaitForAWriterThatTheModelSaysWritesAllOfItAgain() {
        assertNull(check(10_000, 0, 10_000));
        assertNull(check(10_000, 19_999, 10_000));
        assertEquals(Reason.NO_GAIN, check(10_000, 20_000, 10_000));
    }

    @Test
    void shouldEndAtTheDeadlineWhateverIsOwed() {
        StopRule due = new StopRule(5);
        assertNull(due.check(GIB_PAGES, 0, GIB_PAGES, 1, LINK, writing(0), 4));
        assertEquals(Reason.DEADLINE, due.check(GIB_PAGES, 0, GIB_PAGES, 1, LINK, writing(0), 5));
    }

    @Test
    void shouldEndWhenRoundsBringNothing() {
        assertEquals(
                Reason.ROUNDS_LIMIT, rule.check(GIB_PAGES, 0, GIB_PAGES, StopRule.ROUNDS_LIMIT, LINK, writing(0), 0));
    }
}
