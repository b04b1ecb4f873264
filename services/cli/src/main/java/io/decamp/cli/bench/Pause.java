package io.decamp.cli.bench;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Time that is a part of what is measured, such as a minute of protection. Never a wait for something to happen. */
public final class Pause {
    private Pause() {}

    /** Returns at once when the thread is interrupted, and leaves it so. */
    public static void of(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        while (end - System.nanoTime() > 0 && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }
}
