package io.decamp.introspector.engine.vm.freeze;

/**
 * One thread as its {@code task_struct} was at one moment.
 *
 * @param address of the task_struct
 * @param pid thread id in the guest's initial PID namespace
 * @param process pid of its thread group
 * @param signalLocked whether somebody was inside its process's siglock
 * @param wakeLocked whether somebody was inside its pi_lock, which guards {@code __state} of a sleeper
 */
record ThreadState(
        long address,
        int pid,
        int process,
        long state,
        long jobctl,
        boolean frozen,
        boolean onProcessor,
        boolean queued,
        boolean dead,
        boolean exiting,
        boolean traced,
        boolean signalLocked,
        boolean wakeLocked,
        boolean guestFreezes) {

    boolean isTrapped() {
        return (jobctl & KernelFacts.JOBCTL_TRAP_FREEZE) != 0;
    }

    /** Runs no user code until its trap is taken off. */
    boolean isAtRest() {
        return dead || isTrapped() && frozen && !onProcessor && !queued && sleeps();
    }

    /** Sits where the freezer keeps it, though perhaps without a trap any more: only a wake-up gets it out. */
    boolean isHeld() {
        return !dead && frozen && (state & KernelFacts.TASK_INTERRUPTIBLE) != 0;
    }

    boolean isStopped() {
        return (state & KernelFacts.TASK_STOPPED) != 0;
    }

    private boolean sleeps() {
        return (state & (KernelFacts.TASK_INTERRUPTIBLE | KernelFacts.TASK_STOPPED)) != 0;
    }

    /**
     * Whether a wake-up is what it waits for, or is just about to wait for. Tasks in D (uninterruptible) and runnable
     * ones are left alone.
     */
    boolean isInterruptible() {
        return !dead && (state & KernelFacts.TASK_INTERRUPTIBLE) != 0;
    }

    /** The same for SIGKILL: killable waits too. */
    boolean isWakeableToDie() {
        return !dead && (state & (KernelFacts.TASK_INTERRUPTIBLE | KernelFacts.TASK_WAKEKILL)) != 0;
    }

    /** For people: {@code 812/815 in state 0x2}. */
    String named() {
        return process + "/" + pid + " in state 0x" + Long.toHexString(state);
    }
}
