package io.decamp.testkit;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for a condition of the outside world that nobody announces, and says what was missing when it never came. */
public final class Await {
    private static final long LOOK_EVERY_NANOS = Duration.ofMillis(2).toNanos();

    private Await() {}

    /**
     * @param what completes "Waited 5 s in vain for ..."
     * @throws AssertionError when time is up
     */
    public static void until(String what, Duration limit, BooleanSupplier condition) {
        until(() -> what, limit, condition);
    }

    /** As above, with words that are found only when they are needed. */
    public static void until(Supplier<String> what, Duration limit, BooleanSupplier condition) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("Waited " + limit.toMillis() + " ms in vain for " + what.get());
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("Interrupted while waiting for " + what.get());
            }
            LockSupport.parkNanos(LOOK_EVERY_NANOS);
        }
    }
}
