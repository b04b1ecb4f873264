package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

class SteadyLookTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private final Deque<Integer> seen = new ArrayDeque<>();
    private final Deque<Boolean> locked = new ArrayDeque<>();

    private SteadyLook<Integer> look(Duration limit) {
        return new SteadyLook<>(() -> next(seen), Integer::equals, () -> next(locked), limit);
    }

    /** The last of them stays. */
    private static <T> T next(Deque<T> values) {
        return values.size() > 1 ? values.removeFirst() : values.getFirst();
    }

    @Test
    void shouldTakeWhatStays() {
        seen.add(512);
        locked.add(false);

        SteadyLook<Integer> look = look(LONG);

        assertEquals(512, look.take());
        assertTrue(look.isSteady());
    }

    /** As khugepaged does: for milliseconds there is no table, and both looks find no page. */
    @Test
    void shouldNotTakeWhatIsSeenTwiceWhileTheLockIsHeld() {
        seen.addAll(List.of(0, 0, 512));
        locked.addAll(List.of(false, true, true, false));

        assertEquals(512, look(LONG).take());
    }

    @Test
    void shouldNotTakeWhatChangedWhileNobodyLookedAtTheLock() {
        seen.addAll(List.of(0, 512));
        locked.add(false);

        assertEquals(512, look(LONG).take());
    }

    @Test
    void shouldSayThatItNeverCameToRest() {
        BooleanSupplier held = () -> true;
        SteadyLook<Integer> look = new SteadyLook<>(() -> 1, Integer::equals, held, Duration.ofMillis(5));

        assertEquals(1, look.take());
        assertFalse(look.isSteady());
    }
}
