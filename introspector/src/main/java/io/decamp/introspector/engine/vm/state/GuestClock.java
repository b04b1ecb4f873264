package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.TimensEntry;
import io.decamp.contracts.criu.Timespec;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/**
 * The guest's clocks as its timekeeper last set them (kernel/time/timekeeping.c), in nanoseconds. They are as old as
 * the last
 * tick of a processor that was not idle; the interrupt that froze the workload was one. Immutable: all timers of a
 * capture
 * are told from the same moment.
 */
final class GuestClock {
    static final int REALTIME = 0;
    static final int MONOTONIC = 1;

    /** CLOCK_PROCESS_CPUTIME_ID, and how the C library says it: {@code MAKE_PROCESS_CPUCLOCK(0, CPUCLOCK_SCHED)}. */
    static final int PROCESS_CPU = 2;

    static final int OWN_PROCESS_CPU = -6;
    static final int BOOTTIME = 7;
    static final int TAI = 11;

    /**
     * What the copy's clocks are ahead of the last tick: five ticks of a 250 Hz kernel. A program that read the time
     * just
     * before it was frozen must never see it go back; that its clocks leap over a part of the freeze is what clocks do.
     */
    static final long MARGIN_NANOS = 20_000_000;

    private static final long NANOS = 1_000_000_000;

    /** Behind the sequence counter of {@code tk_core}, where no type tells (an anonymous struct until 6.12). */
    private static final long BEHIND_COUNTER = 8;

    private static final int MAX_SHIFT = 32;

    private final long monotonic;
    private final long toReal;
    private final long toBoot;
    private final long toTai;

    GuestClock(long monotonic, long toReal, long toBoot, long toTai) {
        this.monotonic = monotonic;
        this.toReal = toReal;
        this.toBoot = toBoot;
        this.toTai = toTai;
    }

    static GuestClock of(GuestKernel kernel) {
        KernelObject keeper = kernel.object("timekeeper", kernel.symbol("tk_core") + BEHIND_COUNTER);
        long shift = keeper.number("tkr_mono.shift");
        long boot = keeper.number("offs_boot");
        long base = keeper.number("tkr_mono.base");
        if (shift <= 0 || shift > MAX_SHIFT || boot < 0 || base < 0 || keeper.number("tkr_mono.clock") >= 0) {
            throw new GuestFault(GuestFault.Reason.FORMAT, "The guest's timekeeper has shift " + shift + " and "
                    + "base " + base);
        }
        long now = base + (keeper.number("tkr_mono.xtime_nsec") >>> shift);
        return new GuestClock(now, keeper.number("offs_real"), boot, keeper.number("offs_tai"));
    }

    /** @throws GuestFault for clocks that are not driven by the timekeeper */
    long now(int clock) {
        return switch (clock) {
            case REALTIME -> monotonic + toReal;
            case MONOTONIC -> monotonic;
            case BOOTTIME -> monotonic + toBoot;
            case TAI -> monotonic + toTai;
            default -> throw new GuestFault(GuestFault.Reason.BOUND, "A timer runs by clock " + clock);
        };
    }

    /** @return whether {@link #now} knows it */
    static boolean knows(int clock) {
        return clock == REALTIME || clock == MONOTONIC || clock == BOOTTIME || clock == TAI;
    }

    /**
     * What the task's own clocks show (they may be shifted by its time namespace): CRIU shifts those of the copy so
     * that they
     * go on from there.
     */
    TimensEntry asSeenBy(KernelObject task) {
        long monotonicShift = 0;
        long bootShift = 0;
        KernelObject namespaces = task.follow("nsproxy");
        if (namespaces.has("time_ns")) {
            KernelObject offsets = namespaces.follow("time_ns").at("offsets");
            monotonicShift = nanos(offsets.at("monotonic"));
            bootShift = nanos(offsets.at("boottime"));
        }
        return TimensEntry.newBuilder()
                .setMonotonic(time(now(MONOTONIC) + monotonicShift + MARGIN_NANOS))
                .setBoottime(time(now(BOOTTIME) + bootShift + MARGIN_NANOS))
                .build();
    }

    private static long nanos(KernelObject time) {
        return time.number("tv_sec") * NANOS + time.number("tv_nsec");
    }

    private static Timespec time(long nanos) {
        return Timespec.newBuilder()
                .setTvSec(Math.floorDiv(nanos, NANOS))
                .setTvNsec(Math.floorMod(nanos, NANOS))
                .build();
    }
}
