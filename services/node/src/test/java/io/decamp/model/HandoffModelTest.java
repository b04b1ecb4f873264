package io.decamp.model;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Explores the hand-off exhaustively within bounds: the real fold and the real rules of both actors, in an environment
 * that delays, loses and repeats records, restarts services, cuts the power of nodes, and fences what is really gone.
 */
class HandoffModelTest {
    /** Two moves, there and back or tried twice, and several mishaps in one history. */
    static Stream<Explorer.Bounds> bounds() {
        return Stream.of(
                new Explorer.Bounds(1, 2, 1, 1),
                new Explorer.Bounds(1, 0, 2, 1),
                new Explorer.Bounds(2, 1, 0, 1),
                new Explorer.Bounds(2, 0, 1, 0));
    }

    @ParameterizedTest
    @MethodSource("bounds")
    void shouldNeverRunTwoCopiesNorLoseTheLast(Explorer.Bounds bounds) {
        long start = System.nanoTime();
        Explorer.Result result = new Explorer(bounds, Mutation.NONE).explore();
        System.out.printf(
                "model check %s: %d states, %d moves, %d ms%n",
                bounds, result.states(), result.moves(), (System.nanoTime() - start) / 1_000_000);
        result.counterexample().ifPresent(path -> fail(String.join("\n", path)));
    }

    static Stream<Mutation> errors() {
        return Stream.of(Mutation.values()).filter(m -> m != Mutation.NONE);
    }

    @ParameterizedTest
    @MethodSource("errors")
    void shouldFindEverySeededError(Mutation mutation) {
        Explorer.Result result = new Explorer(mutation.bounds(), mutation).explore();
        System.out.printf("%s: %d states%n", mutation, result.states());
        result.counterexample().ifPresent(path -> System.out.println("  " + String.join("\n  ", path)));
        assertTrue(result.counterexample().isPresent(), mutation + " was not found");
    }

    @Test
    void shouldReachAMoveThereAndBack() {
        Explorer.Result result = new Explorer(new Explorer.Bounds(2, 0, 0, 0), Mutation.NONE).explore();
        assertTrue(result.counterexample().isEmpty() && result.states() > 1000, "the model hardly moves");
    }
}
