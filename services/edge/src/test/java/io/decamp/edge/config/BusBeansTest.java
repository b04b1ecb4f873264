package io.decamp.edge.config;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Finding;
import io.decamp.contracts.v1.Severity;
import java.util.List;
import org.junit.jupiter.api.Test;

class BusBeansTest {
    private static Finding finding(Severity severity, String code) {
        return Finding.newBuilder()
                .setSeverity(severity)
                .setCode(code)
                .setWhat("Topic handoff is not as it should be")
                .setAdvice("Set it")
                .build();
    }

    @Test
    void shouldNotStartOnARegisterThatMayLoseRecords() {
        List<Finding> findings =
                List.of(finding(Severity.WARNING, "topic-not-compacted"), finding(Severity.BLOCKER, "handoff-expires"));

        DecampException refusal = assertThrows(DecampException.class, () -> BusBeans.requireSafe(findings));

        assertEquals("handoff-expires", refusal.code());
        assertEquals("Set it", refusal.advice());
    }

    @Test
    void shouldStartWhenTopicsAreMerelyNotIdeal() {
        List<Finding> findings =
                List.of(finding(Severity.WARNING, "topic-not-compacted"), finding(Severity.NOTE, "handoff-one-copy"));

        assertDoesNotThrow(() -> BusBeans.requireSafe(findings));
    }
}
