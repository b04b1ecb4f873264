package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.function.LongSupplier;

/**
 * A timerfd as read(2) and timerfd_gettime(2) would show it now. A periodic timer that has rung is not queued until
 * somebody reads it (timerfd_tmrproc, timerfd_read): what it has missed is added here, or the copy's would never ring
 * again.
 *
 * @param remainingNanos 0: not armed
 */
record TimerState(long ticks, long remainingNanos, long intervalNanos) {
    private static final int HRTIMER_STATE_ENQUEUED = 1;

    static TimerState of(KernelObject context, LongSupplier monotonicNanos) {
        long interval = context.number("tintv");
        long expires = context.number("t.tmr.node.expires");
        boolean queued = (context.number("t.tmr.state") & HRTIMER_STATE_ENQUEUED) != 0;
        boolean expired = context.number("expired") != 0;
        KernelObject base = context.at("t.tmr").follow("base");
        long now = monotonicNanos.getAsLong() + base.number("offset");
        return at(now, context.number("ticks"), expires, interval, queued, expired);
    }

    /** @param now of the timer's own clock, as {@code expires} */
    static TimerState at(long now, long ticks, long expires, long interval, boolean queued, boolean expired) {
        if (queued) {
            // Due but not run yet: the least that is not "never".
            return new TimerState(ticks, Math.max(1, expires - now), interval);
        }
        if (!expired || interval <= 0) {
            return new TimerState(ticks, 0, Math.max(0, interval));
        }
        long missed = Math.max(0, Math.floorDiv(now - expires, interval));
        long next = expires + (missed + 1) * interval;
        return new TimerState(ticks + missed, next - now, interval);
    }
}
