package io.decamp.snapshotter.engine.propagation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.snapshotter.engine.model.WriteRates;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PropagationPolicyTest {
    private static final long LINK = 1000L * 4096;
    private static final int PAGES = 4000;

    /** Rate by page number; null: not known yet. */
    private static WriteRates rates(LongToDoubleFunction rate) {
        return new WriteRates() {
            @Override
            public double ratePerPage(long space, long address) {
                return rate.applyAsDouble(address / 4096);
            }

            @Override
            public boolean known() {
                return rate != null;
            }

            @Override
            public double writtenPages(double seconds) {
                return 0;
            }
        };
    }

    private static RoundPlan plan(String policy, LongToDoubleFunction rate) {
        return plan(policy, rate, LINK);
    }

    private static RoundPlan plan(String policy, LongToDoubleFunction rate, long link) {
        PageSet owed = new PageSet();
        owed.add(1, 0, PAGES);
        return PropagationPolicy.named(policy).plan(owed, new PropagationPolicy.View(rates(rate), link, 1000));
    }

    @Test
    void shouldSendAllByAddressInTheBaseline() {
        RoundPlan plan = plan("address", page -> page < 2000 ? 100 : 0);

        assertEquals(1, plan.send().size());
        assertEquals(PAGES, plan.send().totalPages());
        assertEquals(Long.MAX_VALUE, plan.limitNanos());
        assertFalse(PropagationPolicy.named("address").holdsHotRuns());
    }

    @ParameterizedTest
    @ValueSource(strings = {"microwiper", "combined"})
    void shouldSendColdPagesFirstAndHotOnesOnlyUpToAShareOfTheLink(String policy) {
        RoundPlan plan = plan(policy, page -> page < 2000 ? 0.1 : page < 3000 ? 0 : 0.001);

        PageRuns send = plan.send();
        assertEquals(2000L * 4096, send.address(0), "cold ones");
        assertEquals(3000L * 4096, send.address(1), "then lukewarm ones");
        assertEquals(0, send.address(2), "then hot ones");
        double limit = Microwiper.SHARE * LINK / 4096;
        assertEquals(Math.ceil((limit - 1) / 0.1), send.pages(2), 1);
        assertEquals(RoundEnd.REWRITING, plan.end());
    }

    @ParameterizedTest
    @ValueSource(strings = {"microwiper", "combined"})
    void shouldNotMakeRoundsSoShortThatTheLinkIsIdle(String policy) {
        RoundPlan plan = plan(policy, page -> 1000);

        assertEquals(LINK / 4096 * 0.05, plan.send().totalPages());
    }

    @ParameterizedTest
    @ValueSource(strings = {"microwiper", "combined"})
    void shouldLearnTheOrderInAShortRound(String policy) {
        RoundPlan plan = plan(policy, null);

        assertTrue(plan.limitNanos() <= 500_000_000);
        assertEquals(PAGES, plan.send().totalPages());
    }

    @ParameterizedTest
    @ValueSource(strings = {"microwiper", "combined"})
    void shouldKeepRoundsShortUntilTheLinkIsKnown(String policy) {
        RoundPlan plan = plan(policy, page -> page < 2000 ? 1 : 0, 0);

        assertEquals(2000L * 4096, plan.send().address(0));
        assertTrue(plan.limitNanos() <= 500_000_000);
    }

    @Test
    void shouldRefuseANameThatIsNone() {
        DecampException e = assertThrows(DecampException.class, () -> PropagationPolicy.named("random"));
        assertEquals("setting-malformed", e.code());
    }
}
