package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.contracts.criu.ItimerEntry;
import org.junit.jupiter.api.Test;

class TimersTest {
    private static final long SECOND = 1_000_000_000;

    @Test
    void shouldTellWhatIsLeftAndThePeriod() {
        ItimerEntry timer = Timers.itimer(2 * SECOND + 5000, 3 * SECOND + 250_001);

        assertEquals(2, timer.getIsec());
        assertEquals(5, timer.getIusec());
        assertEquals(3, timer.getVsec());
        assertEquals(251, timer.getVusec());
    }

    @Test
    void shouldNeverRoundWhatIsLeftToNothing() {
        assertEquals(1, Timers.itimer(SECOND, 1).getVusec());
    }

    @Test
    void shouldGiveATimerThatRingsOnceAPeriodBeyondAllUse() {
        ItimerEntry timer = Timers.itimer(0, SECOND);

        assertEquals(Timers.ONCE_SECONDS, timer.getIsec());
        assertEquals(0, timer.getIusec());
    }

    @Test
    void shouldLeaveATimerThatIsOffOff() {
        assertEquals(Timers.itimer(0, 0), Timers.itimer(SECOND, 0));
        assertEquals(0, Timers.itimer(SECOND, 0).getIsec());
    }

    @Test
    void shouldRingAtOnceWhenItsTimeIsOverButItStillRuns() {
        assertEquals(1, Timers.left(100, 200, 0, true));
        assertEquals(1, Timers.left(100, 200, 30, true));
    }

    @Test
    void shouldRingAtItsNextPeriodWhenItsSignalWaits() {
        assertEquals(10, Timers.left(100, 210, 30, false));
        assertEquals(30, Timers.left(100, 100, 30, false));
        assertEquals(40, Timers.left(100, 60, 30, false));
    }
}
