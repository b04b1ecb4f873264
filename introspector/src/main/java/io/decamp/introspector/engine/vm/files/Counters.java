package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.EventfdFileEntry;
import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.SignalfdEntry;
import io.decamp.contracts.criu.TimerfdEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import java.util.function.LongSupplier;

/** eventfd, signalfd and timerfd (fs/eventfd.c, fs/signalfd.c, fs/timerfd.c; criu/eventfd.c and so on). */
final class Counters {
    private static final int EFD_SEMAPHORE = 1;
    private static final int CLOCK_REALTIME = 0;
    private static final int CLOCK_MONOTONIC = 1;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final FileTable table;
    private final PidNumbers pids;
    private final LongSupplier monotonicNanos;
    private final Refusals refusals;

    Counters(FileTable table, PidNumbers pids, LongSupplier monotonicNanos, Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.monotonicNanos = monotonicNanos;
        this.refusals = refusals;
    }

    void eventfd(int id, OpenFile file) {
        KernelObject context = file.privateData("eventfd_ctx");
        if ((context.number("flags") & EFD_SEMAPHORE) != 0) {
            refusals.state(
                    file, "is an eventfd that counts down one by one (EFD_SEMAPHORE), which criu's image can't say");
        }
        table.add(table.entry(FdType.EVENTFD, id)
                .setEfd(EventfdFileEntry.newBuilder()
                        .setId(id)
                        .setFlags(file.flags())
                        .setFown(file.owner(pids))
                        .setCounter(context.number("count"))));
    }

    void signalfd(int id, OpenFile file) {
        long ignored = file.privateData("signalfd_ctx").numbers("sigmask.sig")[0];
        table.add(table.entry(FdType.SIGNALFD, id)
                .setSgfd(SignalfdEntry.newBuilder()
                        .setId(id)
                        .setFlags(file.flags())
                        .setFown(file.owner(pids))
                        .setSigmask(~ignored)));
    }

    void timerfd(int id, OpenFile file) {
        KernelObject context = file.privateData("timerfd_ctx");
        int clock = (int) context.number("clockid");
        if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
            refusals.state(file, "is a timerfd of clock " + clock + ", which criu does not restore");
        }
        TimerState timer = TimerState.of(context, monotonicNanos);
        table.add(table.entry(FdType.TIMERFD, id)
                .setTfd(TimerfdEntry.newBuilder()
                        .setId(id)
                        .setFlags(file.flags())
                        .setFown(file.owner(pids))
                        .setClockid(clock)
                        .setTicks(timer.ticks())
                        .setSettimeFlags((int) context.number("settime_flags"))
                        .setVsec(timer.remainingNanos() / NANOS_PER_SECOND)
                        .setVnsec(timer.remainingNanos() % NANOS_PER_SECOND)
                        .setIsec(timer.intervalNanos() / NANOS_PER_SECOND)
                        .setInsec(timer.intervalNanos() % NANOS_PER_SECOND)));
    }
}
