package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.ItimerEntry;
import io.decamp.contracts.criu.PosixTimerEntry;
import io.decamp.contracts.criu.TaskTimersEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A process's interval timers and POSIX timers: what is left of them at the moment of the capture
 * (kernel/time/itimer.c,
 * kernel/time/posix-timers.c).
 */
final class Timers {
    /** Above the default RLIMIT_SIGPENDING, which bounds them, of a guest with 32 GiB. */
    private static final int MAX_TIMERS = 1 << 17;

    private static final int SIGEV_NONE = 1;
    private static final int SIGEV_THREAD_ID = 4;
    private static final int ENQUEUED = 1;
    private static final int REQUEUE_PENDING = 1;
    private static final int PROFILE = 0;
    private static final int VIRTUAL = 1;
    private static final long NANOS = 1_000_000_000;

    /**
     * Seconds between rings of a timer that rings once: 68 years, the most that a time of 32 bits holds. CRIU switches
     * interval
     * timers off that have no interval (decode_itimer of criu/timer.c), and so would lose every alarm().
     */
    static final long ONCE_SECONDS = Integer.MAX_VALUE;

    private static final long MICROS = 1_000_000;

    private final GuestClock clock;
    private final PidNumbers numbers;
    private final Concerns concerns;

    Timers(GuestClock clock, PidNumbers numbers, Concerns concerns) {
        this.clock = clock;
        this.numbers = numbers;
        this.concerns = concerns;
    }

    TaskTimersEntry read(KernelObject leader) {
        KernelObject signal = leader.follow("signal");
        TaskTimersEntry.Builder timers = TaskTimersEntry.newBuilder()
                .setReal(real(signal))
                .setVirt(cpu(signal, VIRTUAL))
                .setProf(cpu(signal, PROFILE));
        posix(signal).forEach(timer -> timer(leader, signal, timer, timers));
        return timers.build();
    }

    private ItimerEntry real(KernelObject signal) {
        KernelObject timer = signal.at("real_timer");
        long interval = signal.number("it_real_incr");
        boolean running = isQueued(timer);
        // a period whose signal waits in the queue is armed again only when the signal is taken
        boolean waiting = !running && interval > 0;
        return itimer(interval, running || waiting ? left(timer, interval, running) : 0);
    }

    private static ItimerEntry cpuTimer(long interval, long expires, long used) {
        if (expires == 0) {
            return itimer(interval, 0);
        }
        return itimer(interval, Math.max(expires - used, NANOS / MICROS));
    }

    private ItimerEntry cpu(KernelObject signal, int which) {
        KernelObject timer = signal.element("it", which);
        KernelObject used = signal.at("cputimer.cputime_atomic");
        long user = used.number("utime");
        return cpuTimer(
                timer.number("incr"),
                timer.number("expires"),
                which == VIRTUAL ? user : user + used.number("stime"));
    }

    /** Rounded up: what is left must not read as nothing, which would switch the timer off. */
    static ItimerEntry itimer(long intervalNanos, long leftNanos) {
        long left = (leftNanos + 999) / 1000;
        long interval = (intervalNanos + 999) / 1000;
        if (left == 0) {
            // CRIU would start it with its interval
            interval = 0;
        } else if (interval == 0) {
            interval = ONCE_SECONDS * MICROS;
        }
        return ItimerEntry.newBuilder()
                .setIsec(interval / MICROS)
                .setIusec(interval % MICROS)
                .setVsec(left / MICROS)
                .setVusec(left % MICROS)
                .build();
    }

    private static boolean isQueued(KernelObject timer) {
        return (timer.number("state") & ENQUEUED) != 0;
    }

    private long left(KernelObject timer, long interval, boolean running) {
        int by = (int) timer.follow("base").number("clockid");
        return left(timer.number("node.expires"), clock.now(by), interval, running);
    }

    /** Nanoseconds until it fires, at least 1; for one that waits for its signal to be taken, until its next period. */
    static long left(long expires, long now, long interval, boolean running) {
        long left = expires - now;
        if (left > 0) {
            return left;
        }
        return running || interval <= 0 ? 1 : interval - Math.floorMod(-left, interval);
    }

    private static List<KernelObject> posix(KernelObject signal) {
        boolean open = signal.sizeOf("posix_timers") == Long.BYTES;
        List<KernelObject> timers = new ArrayList<>();
        (open
                        ? signal.hlist("posix_timers", "k_itimer", "list", MAX_TIMERS)
                        : signal.list("posix_timers", "k_itimer", "list", MAX_TIMERS))
                .forEach(timers::add);
        timers.sort(Comparator.comparingLong(timer -> timer.number("it_id")));
        return timers;
    }

    private void timer(KernelObject leader, KernelObject signal, KernelObject timer, TaskTimersEntry.Builder to) {
        int by = (int) timer.number("it_clock");
        boolean cpu = by == GuestClock.PROCESS_CPU || by == GuestClock.OWN_PROCESS_CPU;
        if (!GuestClock.knows(by) && !cpu) {
            concerns.refuse(
                    "vm-timer-clock",
                    "Process " + numbers.ofTask(leader) + " has a POSIX timer by clock " + by,
                    "Timers by CLOCK_REALTIME, MONOTONIC, BOOTTIME, TAI and PROCESS_CPUTIME_ID can be carried, "
                            + "no others");
            return;
        }
        long period = timer.number("it_interval");
        int notify = (int) timer.number("it_sigev_notify");
        long left = cpu
                ? leftOfCpu(signal, timer, period)
                : leftOf(timer, period, notify == SIGEV_NONE);
        // one that is off but has an interval would be started with it by CRIU
        long interval = left == 0 ? 0 : period;
        KernelObject info = timer.follow("sigq").at("info");
        PosixTimerEntry.Builder entry = PosixTimerEntry.newBuilder()
                .setItId((int) timer.number("it_id"))
                .setClockId(by)
                .setSiSigno((int) info.number("si_signo"))
                .setItSigevNotify(notify)
                .setSivalPtr(info.number("_sifields._timer._sigval.sival_ptr"))
                .setOverrun((int) Math.max(0, timer.number("it_overrun_last")))
                .setIsec(interval / NANOS)
                .setInsec(interval % NANOS)
                .setVsec(left / NANOS)
                .setVnsec(left % NANOS);
        if ((notify & SIGEV_THREAD_ID) != 0) {
            entry.setNotifyThreadId(numbers.ofPid(timer.follow("it_pid")));
        }
        to.addPosix(entry);
    }

    private long leftOf(KernelObject timer, long interval, boolean silent) {
        KernelObject queued = timer.at("it.real.timer");
        boolean running = isQueued(queued);
        boolean waiting = interval > 0 && (silent || (timer.number("it_requeue_pending") & REQUEUE_PENDING) != 0);
        if (silent && !running && queued.number("node.expires") > 0 && interval == 0) {
            // nobody is told when it ends: it is never queued, and reads 0 once its time is over
            return Math.max(0, queued.number("node.expires") - clock.now((int) timer.number("it_clock")));
        }
        return running || waiting ? left(queued, interval, running) : 0;
    }

    /** Of a periodic one that is past its time the signal waits to be taken: then its next period is reckoned. */
    private static long leftOfCpu(KernelObject signal, KernelObject timer, long interval) {
        long expires = timer.number("it.cpu.node.expires");
        long used = signal.number("cputimer.cputime_atomic.sum_exec_runtime");
        boolean waiting = interval > 0 && (timer.number("it_requeue_pending") & REQUEUE_PENDING) != 0;
        return expires == 0 ? 0 : left(expires, used, interval, !waiting);
    }
}
