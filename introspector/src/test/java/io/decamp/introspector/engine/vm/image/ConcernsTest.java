package io.decamp.introspector.engine.vm.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.Severity;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConcernsTest {
    @Test
    void shouldNotLoseABlockerBehindWarnings() {
        Concerns concerns = Concerns.noted();
        for (int thread = 0; thread < 1000; thread++) {
            concerns.warn("small", "thread " + thread, "none");
        }

        concerns.refuse("large", "something", "none");

        assertEquals(Concerns.MAX_FINDINGS + 1, concerns.findings().size());
        assertEquals(Severity.BLOCKER, concerns.findings().getLast().getSeverity());
    }

    @Test
    void shouldTellTheSameOnce() {
        Concerns concerns = Concerns.noted();
        concerns.refuse("code", "what", "advice");
        concerns.refuse("code", "what", "advice");

        assertEquals(1, concerns.findings().size());
    }

    @Test
    void shouldEndACaptureAtTheFirst() {
        Concerns concerns = Concerns.thrown();
        concerns.warn("small", "a warning", "none");

        assertEquals("large", assertThrows(DecampException.class, () -> concerns.refuse("large", "x", "y")).code());
        assertEquals(List.of(), concerns.findings());
    }
}
