package io.decamp.introspector.engine.vm.freeze;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.freeze.FakeWorkload.Fake;
import io.decamp.introspector.engine.vm.freeze.FakeWorkload.Wait;
import io.decamp.introspector.engine.vm.freeze.GuestFreezer.Frozen;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class FreezeWorkTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(200);

    private final FakeWorkload workload = new FakeWorkload();
    private final FreezeWork work = new FreezeWork("a", workload, workload);

    @Test
    void shouldFreezeThreadsThatRunThatSleepAndThatAreStopped() {
        workload.add(100, Wait.RUNS);
        workload.add(101, Wait.SLEEPS);
        workload.add(200, Wait.STOPPED);
        assertEquals(FreezeState.NONE, work.state());

        Frozen frozen = work.freeze(LONG);

        assertEquals(FreezeState.FROZEN, work.state());
        assertEquals(2, frozen.processes());
        assertEquals(3, frozen.threads());
        assertEquals(2, frozen.pauses());
    }

    @Test
    void shouldFreezeWhatIsBornBetweenTwoPauses() {
        workload.add(100, Wait.RUNS);
        workload.between = () -> {
            if (workload.threads.size() < 4) {
                workload.add(200 + workload.threads.size(), Wait.RUNS);
            }
        };

        Frozen frozen = work.freeze(LONG);

        assertEquals(4, frozen.threads());
        assertTrue(workload.threads.stream().allMatch(t -> t.inTrap));
    }

    @Test
    void shouldTouchNoThreadWhoseLockIsHeld() {
        workload.add(100, Wait.RUNS).lockedForPauses = 2;
        workload.add(101, Wait.SLEEPS);

        work.freeze(LONG);

        assertEquals(FreezeState.FROZEN, work.state());
    }

    @Test
    void shouldComeAgainWhenMoreSleepThanCanBeWokenAtOnce() {
        workload.room = 3;
        for (int i = 0; i < 10; i++) {
            workload.add(100 + i, Wait.SLEEPS);
        }

        work.freeze(LONG);
        assertEquals(FreezeState.FROZEN, work.state());
        work.thaw(LONG);

        assertTrue(workload.threads.stream().noneMatch(t -> t.inTrap || t.trapped));
    }

    @Test
    void shouldThawAllWhenOneDoesNotStop() {
        workload.add(100, Wait.RUNS);
        Fake stuck = workload.add(101, Wait.STUCK);

        DecampException failure = assertThrows(DecampException.class, () -> work.freeze(SHORT));

        assertEquals("vm-freeze-timeout", failure.code());
        assertTrue(failure.getMessage().contains("1 of 2 threads in VM a did not stop in time: 100/101 in state 0x2"));
        assertEquals(1, workload.withdrawn);
        assertEquals(FreezeState.NONE, work.state());
        assertEquals(2, workload.running);
        assertFalse(stuck.trapped);
        assertEquals(0, failure.getSuppressed().length);
    }

    @Test
    void shouldThawAllWhenATracerComesInTheMiddle() {
        workload.add(100, Wait.RUNS);
        Fake other = workload.add(101, Wait.STUCK);
        workload.between = () -> other.traced = true;

        assertEquals("vm-task-traced", code(() -> work.freeze(LONG)));

        assertEquals(FreezeState.NONE, work.state());
    }

    @Test
    void shouldTouchNothingWhenItRefuses() {
        assertEquals("vm-no-process", code(() -> work.freeze(LONG)));
        workload.add(100, Wait.RUNS);
        Fake special = workload.add(101, Wait.SLEEPS);
        special.traced = true;
        assertEquals("vm-task-traced", code(() -> work.freeze(LONG)));
        special.traced = false;
        special.guestFreezes = true;
        assertEquals("vm-frozen-by-guest", code(() -> work.freeze(LONG)));

        assertTrue(workload.done.isEmpty(), workload.done.toString());
    }

    @Test
    void shouldTellAnUnfinishedFreeze() {
        workload.add(100, Wait.RUNS).trapped = true;
        workload.add(101, Wait.SLEEPS);
        assertEquals(FreezeState.FREEZING, work.state());

        work.thaw(LONG);

        assertEquals(FreezeState.NONE, work.state());
    }

    @Test
    void shouldWakeAThreadThatIsOnItsWayIntoTheTrapWhenItIsTakenOff() {
        Fake thread = workload.add(100, Wait.ABOUT_TO_SLEEP);
        thread.trapped = true;

        work.thaw(LONG);

        assertFalse(thread.inTrap);
        assertEquals(Wait.RUNS, thread.wait);
    }

    @Test
    void shouldDoNothingTheSecondTime() {
        workload.add(100, Wait.RUNS);
        work.freeze(LONG);
        workload.done.clear();

        assertEquals(1, work.freeze(LONG).pauses());
        assertTrue(workload.done.isEmpty(), workload.done.toString());
        work.thaw(LONG);
        int before = workload.pauses();
        work.thaw(LONG);
        assertEquals(before, workload.pauses());
    }

    @Test
    void shouldLeaveToTheGuestWhatItFroze() {
        Fake thread = workload.add(100, Wait.RUNS);
        work.freeze(LONG);
        thread.guestFreezes = true;

        work.thaw(LONG);

        assertTrue(thread.inTrap);
    }

    @Test
    void shouldKillWhatIsFrozenWhatRunsAndWhatIsStopped() {
        workload.add(100, Wait.RUNS);
        workload.add(101, Wait.SLEEPS);
        work.freeze(LONG);
        workload.add(200, Wait.RUNS);
        workload.add(300, Wait.STOPPED).lockedForPauses = 1;

        work.kill(LONG);

        assertTrue(workload.threads.stream().allMatch(t -> t.dead));
        int before = workload.pauses();
        work.kill(LONG);
        assertEquals(before, workload.pauses());
    }

    @Test
    void shouldNameWhatDoesNotDieAndWillWhenItCan() {
        Fake stuck = workload.add(100, Wait.STUCK);

        assertEquals("vm-kill-timeout", code(() -> work.kill(SHORT)));

        assertTrue(stuck.doomed);
    }

    private static String code(Runnable call) {
        return assertThrows(DecampException.class, call::run).code();
    }
}
