package io.decamp.restorer.engine.handoff;

import java.time.Duration;

/** When to get ready for a workload: after each epoch, but one at a time, and seldom where it has failed. Thread safe. */
final class Warming {
    /** What is lacking is for a person to mend; finding out whether it is may cost seconds of a guest's time. */
    private static final long RETRY_MILLIS = Duration.ofSeconds(30).toMillis();

    private boolean busy;
    private long notBeforeMillis = Long.MIN_VALUE;
    private String told = "";

    /** @return false when it is not to be done now; else {@link #succeeded} or {@link #failed} must follow */
    synchronized boolean begin(long nowMillis) {
        if (busy || nowMillis < notBeforeMillis) {
            return false;
        }
        busy = true;
        return true;
    }

    synchronized void succeeded() {
        busy = false;
        told = "";
    }

    /** @return whether this is news */
    synchronized boolean failed(long nowMillis, String why) {
        busy = false;
        notBeforeMillis = nowMillis + RETRY_MILLIS;
        boolean news = !why.equals(told);
        told = why;
        return news;
    }
}
