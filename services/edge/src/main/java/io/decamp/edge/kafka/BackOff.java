package io.decamp.edge.kafka;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** Waits longer after each failure in a row, and logs fewer of them the longer it lasts. Used by one thread. */
final class BackOff {
    static final Duration FIRST = Duration.ofMillis(20);
    /** A broker that is back is found within a second. */
    static final Duration LONGEST = Duration.ofSeconds(1);

    private final Logger log;
    private final String what;
    private final CountDownLatch closed;
    private long waitNanos = FIRST.toNanos();
    private long failures;

    /** @param closed ends every wait */
    BackOff(Logger log, String what, CountDownLatch closed) {
        this.log = log;
        this.what = what;
        this.closed = closed;
    }

    /** @return false when closed meanwhile */
    boolean await(Exception failure) throws InterruptedException {
        failures++;
        // the 1st, 2nd, 4th, 8th...
        if (Long.bitCount(failures) == 1) {
            log.warnf("%s failed %d times in a row and goes on trying: %s", what, failures, failure.toString());
        }
        boolean ended = closed.await(waitNanos, TimeUnit.NANOSECONDS);
        waitNanos = Math.min(2 * waitNanos, LONGEST.toNanos());
        return !ended;
    }

    void succeeded() {
        if (failures > 0) {
            log.infof("%s works again after %d failures", what, failures);
        }
        failures = 0;
        waitNanos = FIRST.toNanos();
    }
}
