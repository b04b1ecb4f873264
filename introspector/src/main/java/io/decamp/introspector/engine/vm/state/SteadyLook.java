package io.decamp.introspector.engine.vm.state;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Looks at what the guest's kernel may be changing until two looks in a row say the same and nobody was at work before,
 * between and after them. Used once.
 */
final class SteadyLook<T> {
    private static final long PAUSE_NANOS = 500_000;

    private final Supplier<T> look;
    private final BiPredicate<T, T> same;
    private final BooleanSupplier underChange;
    private final Duration limit;
    private boolean steady;

    SteadyLook(Supplier<T> look, BiPredicate<T, T> same, BooleanSupplier underChange, Duration limit) {
        this.look = look;
        this.same = same;
        this.underChange = underChange;
        this.limit = limit;
    }

    /** What was seen last. */
    T take() {
        long end = System.nanoTime() + limit.toNanos();
        boolean quiet = !underChange.getAsBoolean();
        T before = look.get();
        while (true) {
            quiet &= !underChange.getAsBoolean();
            T now = look.get();
            boolean stillQuiet = !underChange.getAsBoolean();
            if (quiet && stillQuiet && same.test(before, now)) {
                steady = true;
                return now;
            }
            if (System.nanoTime() - end >= 0) {
                return now;
            }
            quiet = stillQuiet;
            before = now;
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    /** Whether what {@link #take} returned is so. */
    boolean isSteady() {
        return steady;
    }
}
