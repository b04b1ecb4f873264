package io.decamp.snapshotter.engine.propagation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.snapshotter.engine.propagation.SimulatedMove.Writer;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Moves of 1 GiB over 1 Gbit/s in virtual time, with the policies, the stop rule and the model that real moves use.
 * Each line that is printed is one move.
 */
class PropagationSimulationTest {
    private static final long SEED = 42;

    private static SimulatedMove move(String policy, Supplier<Writer> writer) {
        SimulatedMove move = SimulatedMove.run(writer.get(), PropagationPolicy.named(policy), RoundListener.NONE);
        System.out.println(move);
        assertEquals(0, move.stale(), "the destination must hold every page as it is");
        return move;
    }

    private static Writer hotHalf() {
        return Writer.hotHalf(SEED, 0.8 * SimulatedMove.GIGABIT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"microwiper", "combined"})
    void shouldHalveThePagesSentAgainAndTheDowntimeWhenHalfOfTheMemoryIsHot(String policy) {
        SimulatedMove plain = move("address", PropagationSimulationTest::hotHalf);
        SimulatedMove ordered = move(policy, PropagationSimulationTest::hotHalf);

        assertTrue(ordered.again() <= plain.again() / 2, () -> ordered.again() + " against " + plain.again());
        assertTrue(ordered.downtimeMillis() <= plain.downtimeMillis() / 2);
        assertTrue(ordered.seconds() < plain.seconds());
    }

    static Stream<Supplier<Writer>> benchWriters() {
        return Stream.of(
                PropagationSimulationTest::hotHalf,
                () -> Writer.hotHalf(SEED, 100e6),
                () -> Writer.skew(SEED, 100e6),
                () -> Writer.sweep(40e6),
                () -> Writer.uniform(SEED, 20e6),
                () -> Writer.hot(SEED, 13_000, 100e6));
    }

    @ParameterizedTest
    @MethodSource("benchWriters")
    void shouldNeverBeWorseCombinedThanOrderAloneNorThanPlainPreCopy(Supplier<Writer> writer) {
        SimulatedMove plain = move("address", writer);
        SimulatedMove order = move("microwiper", writer);
        SimulatedMove combined = move("combined", writer);

        assertTrue(combined.again() <= plain.again());
        assertTrue(combined.again() <= order.again() * 1.02);
        assertTrue(combined.seconds() <= plain.seconds());
        assertTrue(combined.downtimeMillis() <= Math.max(plain.downtimeMillis(), 1.25 * 220));
    }

    static Stream<Supplier<Writer>> fasterThanTheLink() {
        return Stream.of(
                () -> Writer.hotHalf(SEED, 1.5 * SimulatedMove.GIGABIT),
                () -> Writer.uniform(SEED, 1.5 * SimulatedMove.GIGABIT),
                () -> Writer.hot(SEED, 60_000, 10 * SimulatedMove.GIGABIT));
    }

    @ParameterizedTest
    @MethodSource("fasterThanTheLink")
    void shouldEndABoundedMoveOfAWriterThatNeverConverges(Supplier<Writer> writer) {
        for (String policy : new String[] {"address", "microwiper", "combined"}) {
            SimulatedMove move = move(policy, writer);
            assertTrue(List.of("no-gain", "sent-limit").contains(move.stop()), move.stop());
            assertTrue(move.first() + move.again() <= (StopRule.SENT_LIMIT_FACTOR + 1L) * SimulatedMove.PAGES);
        }
    }

    @Test
    void shouldGoOnWhenTheLinkDropsToATenthInTheMiddleOfARound() {
        Writer writer = Writer.skew(SEED, 20e6);
        SimulatedHost host = SimulatedMove.host(writer);
        RoundListener dropping = new RoundListener() {
            @Override
            public void sent(int round, long owedPages) {
                if (owedPages < SimulatedMove.PAGES / 2) {
                    host.link(SimulatedMove.GIGABIT / 10);
                }
            }
        };

        SimulatedMove move = SimulatedMove.run(writer, PropagationPolicy.named("combined"), dropping, host);

        System.out.println(move);
        assertEquals(0, move.stale());
        assertTrue(move.finalPages() < SimulatedMove.PAGES / 100, "the hot pages at most, whatever the link does");
    }
}
