package io.decamp.introspector.engine.vm.freeze;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Threads that behave as the kernel's do when they are trapped, woken and doomed; time passes when a pause ends. */
final class FakeWorkload implements ThreadReader, FreezeMachine {
    /** How a thread waits when it does not run. */
    enum Wait {
        RUNS(0x0),
        SLEEPS(0x1),
        /** State is set, schedule() is not reached yet. */
        ABOUT_TO_SLEEP(0x1),
        STUCK(0x2),
        STOPPED(0x104);

        private final long state;

        Wait(long state) {
            this.state = state;
        }
    }

    static final class Fake {
        final int pid;
        Wait wait;
        boolean trapped;
        boolean inTrap;
        boolean doomed;
        boolean dead;
        boolean traced;
        boolean guestFreezes;
        int lockedForPauses;
        private boolean woken;

        Fake(int pid, Wait wait) {
            this.pid = pid;
            this.wait = wait;
        }
    }

    final List<Fake> threads = new ArrayList<>();
    final List<String> done = new ArrayList<>();
    int room = Integer.MAX_VALUE;
    int withdrawn;
    int running;
    private int pauses;
    private boolean paused;
    /** Runs at the end of each pause, before time passes. */
    Runnable between = () -> {};

    Fake add(int pid, Wait wait) {
        Fake fake = new Fake(pid, wait);
        threads.add(fake);
        return fake;
    }

    @Override
    public List<ThreadState> list() {
        return threads.stream().map(this::state).toList();
    }

    @Override
    public ThreadState look(ThreadState before) {
        return threads.stream()
                .filter(t -> t.pid == before.pid())
                .findFirst()
                .map(this::state)
                .orElseThrow();
    }

    private ThreadState state(Fake f) {
        return new ThreadState(
                f.pid,
                f.pid,
                f.pid / 100 * 100,
                f.inTrap ? 0x2001 : f.wait.state,
                f.trapped ? KernelFacts.JOBCTL_TRAP_FREEZE : 0,
                f.inTrap || f.wait == Wait.STOPPED,
                !f.inTrap && (f.wait == Wait.RUNS || f.wait == Wait.ABOUT_TO_SLEEP),
                !f.inTrap && (f.wait == Wait.RUNS || f.wait == Wait.ABOUT_TO_SLEEP),
                f.dead,
                f.dead,
                f.traced,
                f.lockedForPauses > 0,
                false,
                f.guestFreezes);
    }

    /** What the guest does until the next pause. */
    private void pass() {
        for (Fake f : threads) {
            f.lockedForPauses = Math.max(0, f.lockedForPauses - 1);
            if (f.inTrap && f.woken && !f.trapped) {
                f.inTrap = false;
                f.wait = Wait.RUNS;
            } else if (f.wait == Wait.ABOUT_TO_SLEEP && !f.inTrap) {
                // the trap's own sleep: it was taken off after the thread had looked
                f.inTrap = !f.woken;
                f.wait = f.woken ? Wait.RUNS : Wait.SLEEPS;
            }
            boolean comesBy = f.wait == Wait.RUNS || f.woken && (f.wait == Wait.SLEEPS || f.wait == Wait.STOPPED);
            if (comesBy && f.doomed) {
                f.dead = true;
            } else if (comesBy && f.trapped) {
                f.inTrap = true;
                f.wait = Wait.SLEEPS;
            }
            if (f.inTrap && f.doomed && f.woken) {
                f.dead = true;
            }
            f.woken = false;
        }
        running = (int) threads.stream().filter(f -> !f.dead && !f.inTrap).count();
    }

    @Override
    public FreezeRound begin() {
        if (paused) {
            throw new IllegalStateException("paused twice");
        }
        paused = true;
        pauses++;
        return new FreezeRound() {
            private final List<Fake> woken = new ArrayList<>();
            private boolean fits = true;

            @Override
            public void trap(ThreadState thread) {
                find(thread, "trap").trapped = true;
            }

            @Override
            public void release(ThreadState thread) {
                find(thread, "release").trapped = false;
            }

            @Override
            public void doom(ThreadState thread) {
                Fake fake = find(thread, "doom");
                fake.doomed = true;
                fake.trapped = false;
            }

            @Override
            public void wake(ThreadState thread) {
                if (woken.size() == room) {
                    fits = false;
                } else {
                    woken.add(find(thread, "wake"));
                }
            }

            @Override
            public void withdraw() {
                withdrawn++;
            }

            @Override
            public boolean send() {
                woken.forEach(f -> f.woken = true);
                return fits;
            }

            @Override
            public void close() {
                paused = false;
                between.run();
                pass();
            }
        };
    }

    private Fake find(ThreadState thread, String what) {
        if (thread.signalLocked()) {
            throw new AssertionError(what + " of " + thread.pid() + " while its siglock is held");
        }
        done.add(what + " " + thread.pid());
        return threads.stream().filter(t -> t.pid == thread.pid()).findFirst().orElseThrow();
    }

    @Override
    public boolean settle(Duration limit) {
        return true;
    }

    @Override
    public int pauses() {
        return pauses;
    }

    @Override
    public Duration paused() {
        return Duration.ofMillis(pauses);
    }
}
