package io.decamp.contracts.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Policy;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PolicyRulesTest {
    @Test
    void shouldAcceptThePolicyThatSaysNothing() {
        Policy nothing = Policy.getDefaultInstance();

        assertSame(nothing, PolicyRules.require(nothing));
    }

    static Stream<Policy.Builder> nonsense() {
        return Stream.of(
                Policy.newBuilder().setMinIntervalMicros(-1),
                Policy.newBuilder().setEvictWithinMicros(-300_000),
                Policy.newBuilder().setBandwidthBytesPerSecond(-1),
                Policy.newBuilder().setMaxOverhead(-0.01),
                Policy.newBuilder().setMaxOverhead(1.5),
                Policy.newBuilder().setMaxOverhead(Double.NaN),
                Policy.newBuilder().setMinIntervalMicros(2_000_000).setMaxIntervalMicros(1_000_000));
    }

    @ParameterizedTest
    @MethodSource("nonsense")
    void shouldRefuseNonsense(Policy.Builder policy) {
        DecampException refusal = assertThrows(DecampException.class, () -> PolicyRules.require(policy.build()));

        assertEquals("bad-policy", refusal.code());
        assertTrue(!refusal.advice().isEmpty());
    }
}
