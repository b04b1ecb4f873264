package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.freeze.GuestFreezer.Frozen;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Brings all threads of a workload to one state, in rounds: pause, list, change what the locks allow, run, wait. What
 * it knows is what the last list said, so a thread that appears between two rounds is met in the next one, and a
 * round that finds nothing to do is the proof.
 */
final class FreezeWork {
    /** A thread that runs meets its trap at the next tick: 4 ms, and a busy host makes it ten of them. */
    private static final Duration FIRST_WAIT = Duration.ofMillis(50);

    /** When a lock was held, for microseconds or as long as the host does not run that processor, or too many slept. */
    private static final Duration LOCK_WAIT = Duration.ofMillis(2);

    /** Each round pauses the VM for milliseconds: at most one percent of its time. */
    private static final Duration LONGEST_WAIT = Duration.ofMillis(500);

    private static final long LOOK_EVERY_NANOS = 200_000;

    /** Undoing needs no more than the wake-ups of those that were frozen. */
    private static final Duration UNDO_LIMIT = Duration.ofSeconds(10);

    private static final Duration SETTLE_LIMIT = Duration.ofSeconds(2);

    private static final int NAMED_MAX = 5;

    private final String vm;
    private final FreezeMachine machine;
    private final ThreadReader threads;

    FreezeWork(String vm, FreezeMachine machine, ThreadReader threads) {
        this.vm = vm;
        this.machine = machine;
        this.threads = threads;
    }

    FreezeState state() {
        List<ThreadState> living = living(threads.list());
        if (living.stream().noneMatch(ThreadState::isTrapped)) {
            return FreezeState.NONE;
        }
        return living.stream().allMatch(ThreadState::isAtRest) ? FreezeState.FROZEN : FreezeState.FREEZING;
    }

    Frozen freeze(Duration limit) {
        Rounds rounds = new Rounds(limit);
        boolean touched = false;
        try {
            while (true) {
                List<ThreadState> all;
                boolean complete;
                try (FreezeRound round = machine.begin()) {
                    all = threads.list();
                    refuse(all);
                    if (all.stream().allMatch(ThreadState::isAtRest)) {
                        return rounds.frozen(all);
                    }
                    if (!touched) {
                        rounds.stopping();
                        touched = true;
                    }
                    all.stream().filter(t -> !t.isAtRest() && !t.exiting() && !t.signalLocked()).forEach(t -> {
                        if (!t.isTrapped()) {
                            round.trap(t);
                        }
                        if (t.isInterruptible()) {
                            round.wake(t);
                        }
                    });
                    complete = round.send() && all.stream().noneMatch(t -> !t.isAtRest() && t.signalLocked());
                }
                rounds.await(all, ThreadState::isAtRest, complete);
                if (rounds.isOver()) {
                    throw timeout("vm-freeze-timeout", "did not stop", look(all), ThreadState::isAtRest);
                }
            }
        } catch (RuntimeException e) {
            if (touched) {
                undo(e);
            }
            throw e;
        } finally {
            machine.settle(SETTLE_LIMIT);
        }
    }

    private void undo(RuntimeException reason) {
        try {
            try (FreezeRound round = machine.begin()) {
                round.withdraw();
            }
            thaw(UNDO_LIMIT);
        } catch (RuntimeException e) {
            reason.addSuppressed(e);
        }
    }

    void thaw(Duration limit) {
        if (threads.list().stream().allMatch(FreezeWork::isReleased)) {
            return;
        }
        Rounds rounds = new Rounds(limit);
        try {
            while (true) {
                List<ThreadState> all;
                boolean complete;
                try (FreezeRound round = machine.begin()) {
                    all = threads.list();
                    living(all).stream().filter(t -> !isReleased(t) && !t.signalLocked()).forEach(t -> {
                        if (t.isTrapped()) {
                            round.release(t);
                        }
                        if (t.isInterruptible()) {
                            round.wake(t);
                        }
                    });
                    complete = round.send()
                            && living(all).stream().noneMatch(t -> !isReleased(t) && t.signalLocked());
                }
                if (rounds.await(all, FreezeWork::isReleased, complete)) {
                    return;
                }
                if (rounds.isOver()) {
                    throw timeout("vm-thaw-timeout", "did not run again", look(all), FreezeWork::isReleased);
                }
            }
        } finally {
            machine.settle(SETTLE_LIMIT);
        }
    }

    /** In the hands of the guest's own freezer, or of SIGSTOP, is not in ours. */
    private static boolean isReleased(ThreadState t) {
        return t.dead() || t.guestFreezes() || !t.isTrapped() && !t.isHeld();
    }

    void kill(Duration limit) {
        Rounds rounds = new Rounds(limit);
        try {
            while (true) {
                List<ThreadState> all = living(threads.list());
                boolean complete = true;
                if (all.isEmpty()) {
                    return;
                }
                if (!all.stream().allMatch(ThreadState::exiting)) {
                    try (FreezeRound round = machine.begin()) {
                        all = living(threads.list());
                        refuseTraced(all);
                        all.stream().filter(t -> !t.exiting() && !t.signalLocked()).forEach(t -> {
                            round.doom(t);
                            if (t.isWakeableToDie()) {
                                round.wake(t);
                            }
                        });
                        complete = round.send() && all.stream().noneMatch(t -> !t.exiting() && t.signalLocked());
                    }
                }
                rounds.await(all, ThreadState::dead, complete);
                if (rounds.isOver()) {
                    throw timeout("vm-kill-timeout", "did not die", look(all), ThreadState::dead);
                }
            }
        } finally {
            machine.settle(SETTLE_LIMIT);
        }
    }

    private void refuse(List<ThreadState> all) {
        if (living(all).isEmpty()) {
            throw DecampException.refused(
                    "vm-no-process", "No process of the workload is left in VM " + vm, "It has ended by itself");
        }
        refuseTraced(all);
        living(all).stream()
                .filter(t -> t.guestFreezes() || (t.state() & KernelFacts.TASK_FROZEN) != 0)
                .findFirst()
                .ifPresent(t -> {
                    throw DecampException.refused(
                            "vm-frozen-by-guest",
                            "Thread " + t.named() + " in VM " + vm + " is frozen by a freezer of the guest",
                            "Thaw its cgroup in the guest: who thaws it there would take our freeze off too");
                });
    }

    private void refuseTraced(List<ThreadState> all) {
        all.stream().filter(t -> !t.dead() && t.traced()).findFirst().ifPresent(t -> {
            throw DecampException.refused(
                    "vm-task-traced",
                    "Thread " + t.named() + " in VM " + vm + " has a tracer (a debugger, strace)",
                    "End the tracing in the guest");
        });
    }

    private DecampException timeout(String code, String what, List<ThreadState> all, Predicate<ThreadState> done) {
        List<ThreadState> left = all.stream().filter(done.negate()).toList();
        String named = left.stream().limit(NAMED_MAX).map(ThreadState::named).collect(Collectors.joining(", "));
        return DecampException.abort(
                code,
                left.size() + " of " + all.size() + " threads in VM " + vm + " " + what + " in time: " + named
                        + (left.size() > NAMED_MAX ? ", ..." : ""),
                "A thread in state 0x2 (D) waits for a device or for its vfork child: see for what in the guest",
                null);
    }

    private List<ThreadState> look(List<ThreadState> before) {
        return before.stream().map(threads::look).toList();
    }

    private static List<ThreadState> living(List<ThreadState> all) {
        return all.stream().filter(t -> !t.dead()).toList();
    }

    /** Time and pauses of one call. */
    private final class Rounds {
        private final long begin = System.nanoTime();
        private final long end;
        private final int pausesBefore = machine.pauses();
        private final Duration pausedBefore = machine.paused();
        private Duration wait = FIRST_WAIT;
        private long stoppingSince;

        private Rounds(Duration limit) {
            this.end = begin + limit.toNanos();
        }

        void stopping() {
            stoppingSince = System.nanoTime();
        }

        boolean isOver() {
            return System.nanoTime() - end >= 0;
        }

        /** Until all are done, or it is time for another round: soon when the last one had to leave something out. */
        boolean await(List<ThreadState> all, Predicate<ThreadState> done, boolean complete) {
            Duration now = complete ? wait : LOCK_WAIT;
            if (complete && wait.compareTo(LONGEST_WAIT) < 0) {
                wait = wait.multipliedBy(2);
            }
            long until = Math.min(end, System.nanoTime() + now.toNanos());
            while (!look(all).stream().allMatch(done)) {
                if (System.nanoTime() - until >= 0) {
                    return false;
                }
                LockSupport.parkNanos(LOOK_EVERY_NANOS);
            }
            return true;
        }

        Frozen frozen(List<ThreadState> all) {
            List<ThreadState> living = living(all);
            long now = System.nanoTime();
            return new Frozen(
                    (int) living.stream().map(ThreadState::process).distinct().count(),
                    living.size(),
                    Duration.ofNanos(now - begin),
                    stoppingSince == 0 ? Duration.ZERO : Duration.ofNanos(now - stoppingSince),
                    machine.pauses() - pausesBefore,
                    machine.paused().minus(pausedBefore));
        }
    }
}
