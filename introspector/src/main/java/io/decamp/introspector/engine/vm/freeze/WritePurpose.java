package io.decamp.introspector.engine.vm.freeze;

/** Everything that is ever written into a guest's memory. docs/out-of-band-safety.md has a row for each. */
enum WritePurpose {
    /** {@code task_struct.jobctl}: the freezer's trap on or off, under the paused and free siglock. */
    TRAP(true),
    /** {@code thread_info.flags}: TIF_SIGPENDING, so that the thread looks at its traps. */
    SIGNAL_PENDING(true),
    /**
     * {@code signal_struct.flags, group_exit_code, group_stop_count}: the process is to die, as complete_signal()
     * says it.
     */
    GROUP_EXIT(true),
    /** {@code task_struct.pending.signal}: SIGKILL. */
    KILL_SIGNAL(true),
    /** {@code task_struct.__state} of a thread stopped by SIGSTOP that is to die: else no wake-up would reach it. */
    STOPPED_STATE(true),
    /** {@code task_struct.rcu_users}: one more while a call names the task; the guest itself takes it off. */
    TASK_REFERENCE(true),
    /** A call for the guest to make, in free bytes below an idle thread's stack. */
    CALL(true),
    /** {@code call_single_queue}: the calls are in the queue of a processor, or out of it again. */
    CALL_QUEUE(true),
    /** The bytes of a call that was made are zero again. Nobody reads them: the guest may run. */
    CLEAR_CALL(false);

    private final boolean onlyWhilePaused;

    WritePurpose(boolean onlyWhilePaused) {
        this.onlyWhilePaused = onlyWhilePaused;
    }

    boolean isOnlyWhilePaused() {
        return onlyWhilePaused;
    }
}
