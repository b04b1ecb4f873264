package io.decamp.linux.pid;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ProcessIdentityTest {
    private static final String STAT = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";

    @Test
    void shouldFindTheStartTimeBehindAStrangeName() {
        assertEquals(987654, ProcessIdentity.parseStartTicks(STAT));
    }

    @Test
    void shouldRefuseAStatThatWasCutOff() {
        assertThrows(IllegalArgumentException.class, () -> ProcessIdentity.parseStartTicks("4711 (a) S 1 4711"));
    }

    @Test
    void shouldNoticeAReusedPid() {
        int us = (int) ProcessHandle.current().pid();
        ProcessIdentity identity = ProcessIdentity.of(us).orElseThrow();

        assertTrue(identity.isPresent());
        assertFalse(new ProcessIdentity(us, identity.startTicks() + 1).isPresent());
    }
}
