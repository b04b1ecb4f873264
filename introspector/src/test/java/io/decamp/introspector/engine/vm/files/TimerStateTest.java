package io.decamp.introspector.engine.vm.files;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TimerStateTest {
    @Test
    void shouldTellWhatIsLeftOfAnArmedTimer() {
        assertEquals(new TimerState(2, 400, 50), TimerState.at(600, 2, 1000, 50, true, false));
    }

    @Test
    void shouldKeepATimerArmedThatIsDueButNotRunYet() {
        assertEquals(new TimerState(0, 1, 0), TimerState.at(1500, 0, 1000, 0, true, false));
    }

    @Test
    void shouldLeaveAStoppedTimerStopped() {
        assertEquals(new TimerState(0, 0, 0), TimerState.at(1500, 0, 0, 0, false, false));
    }

    @Test
    void shouldLeaveASingleShotThatHasRungUnread() {
        assertEquals(new TimerState(1, 0, 0), TimerState.at(1500, 1, 1000, 0, false, true));
    }

    @Test
    void shouldAddWhatAPeriodicTimerHasMissedSinceItRang() {
        // rang at 1000, nobody read it: the next are due at 1100, 1200, 1300
        assertEquals(new TimerState(3, 50, 100), TimerState.at(1250, 1, 1000, 100, false, true));
    }

    @Test
    void shouldNotAddWhatIsNotDueYet() {
        assertEquals(new TimerState(1, 60, 100), TimerState.at(1040, 1, 1000, 100, false, true));
    }
}
