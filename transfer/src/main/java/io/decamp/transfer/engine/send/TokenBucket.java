package io.decamp.transfer.engine.send;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** Caps a rate of bytes: whoever takes more than has come in waits. Not thread safe. */
final class TokenBucket {
    /** What may go out at once after a rest. */
    private static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final long bytesPerSecond;
    private final LongSupplier nanoClock;
    private long paidUntilNanos;

    /** @param bytesPerSecond 0 for no cap */
    TokenBucket(long bytesPerSecond, LongSupplier nanoClock) {
        this.bytesPerSecond = bytesPerSecond;
        this.nanoClock = nanoClock;
        paidUntilNanos = nanoClock.getAsLong() - BURST_NANOS;
    }

    /** Pays for {@code bytes}. @return nanoseconds to wait before they may go out */
    long take(long bytes) {
        if (bytesPerSecond <= 0) {
            return 0;
        }
        long now = nanoClock.getAsLong();
        long start = Math.max(paidUntilNanos, now - BURST_NANOS);
        paidUntilNanos = start + (long) ((double) bytes * SECOND / bytesPerSecond);
        return Math.max(0, start - now);
    }

    /** Pays for {@code bytes} and waits until they may go out. */
    void await(long bytes) {
        long until = nanoClock.getAsLong() + take(bytes);
        long left;
        while ((left = until - nanoClock.getAsLong()) > 0 && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(this, left);
        }
    }
}
