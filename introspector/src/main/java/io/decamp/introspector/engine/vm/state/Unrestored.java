package io.decamp.introspector.engine.vm.state;

import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.util.List;

/**
 * Settings that a workload runs on without, for which CRIU's images have no place: each is warned of by name, so that
 * nobody finds out by what is missing afterwards.
 */
final class Unrestored {
    private static final int SCHED_NORMAL = 0;

    /** Of {@code init_task}, and of whoever restores: kernel/sched/core.c, init/init_task.c. */
    private static final long USUAL_TIMER_SLACK_NANOS = 50_000;

    /** IOPRIO_CLASS_SHIFT of include/uapi/linux/ioprio.h; class 0 is none. */
    private static final int IO_CLASS_SHIFT = 13;

    /** PFA_SPEC_* in {@code task_struct.atomic_flags} (include/linux/sched.h). */
    private static final long SPECULATION = 0xf8;

    /** {@code MMF_HAS_MDWE}, since 6.3: memory that was ever writable can't be made executable. */
    private static final long NO_WRITE_EXECUTE = 1L << 28;

    private static final List<String> KEYRINGS = List.of("session_keyring", "process_keyring", "thread_keyring");

    private Unrestored() {}

    static void warnOfThread(KernelObject task, Concerns concerns) {
        if (!concerns.checksOnly()) {
            return;
        }
        String who = "Thread " + task.number("pid") + " of the guest ";
        int processors = task.kernel().onlineCpus();
        if (task.number("nr_cpus_allowed") < processors) {
            warn(
                    concerns,
                    who + "may run on " + task.number("nr_cpus_allowed") + " of " + processors + " processors only");
        }
        if (task.kernel().types().hasType("io_context")
                && task.tryFollow("io_context")
                        .filter(context -> (context.number("ioprio") & 0xffff) >>> IO_CLASS_SHIFT != 0)
                        .isPresent()) {
            warn(concerns, who + "has an I/O priority (ioprio_set)");
        }
        if (task.number("policy") == SCHED_NORMAL && task.number("timer_slack_ns") != USUAL_TIMER_SLACK_NANOS) {
            warn(concerns, who + "has a timer slack of its own (PR_SET_TIMERSLACK)");
        }
        if (task.has("core_cookie") && task.number("core_cookie") != 0) {
            warn(concerns, who + "shares processor cores with none but its like (PR_SCHED_CORE)");
        }
        if (task.number("sched_reset_on_fork") != 0) {
            warn(concerns, who + "does not pass its scheduling on (SCHED_RESET_ON_FORK)");
        }
        if ((task.number("atomic_flags") & SPECULATION) != 0) {
            warn(concerns, who + "has speculation restricted (PR_SET_SPECULATION_CTRL)");
        }
        keyrings(task.follow("cred"), who, concerns);
    }

    private static void keyrings(KernelObject cred, String who, Concerns concerns) {
        for (String keyring : KEYRINGS) {
            if (cred.has(keyring)
                    && cred.tryFollow(keyring)
                            .filter(ring -> ring.number("keys.nr_leaves_on_tree") != 0)
                            .isPresent()) {
                warn(concerns, who + "has keys in its " + keyring.replace('_', ' '));
            }
        }
    }

    /** @param mm a {@code struct mm_struct} */
    static void warnOfMemory(KernelObject mm, int pid, Concerns concerns) {
        String who = "Process " + pid + " ";
        if ((mm.number("def_flags") & VmFlags.LOCKED) != 0) {
            warn(concerns, who + "locks what it will map (mlockall MCL_FUTURE)");
        }
        if ((mm.number("flags") & NO_WRITE_EXECUTE) != 0) {
            warn(concerns, who + "denies itself memory that is writable and executable (PR_SET_MDWE)");
        }
    }

    static void warnOfMapping(long flags, int pid, Concerns concerns) {
        if ((flags & VmFlags.SEALED) != 0) {
            warn(concerns, "Process " + pid + " has sealed mappings (mseal)");
        }
        if ((flags & VmFlags.LOCK_ON_FAULT) != 0) {
            warn(concerns, "Process " + pid + " has memory that is locked as it is touched (MLOCK_ONFAULT): all of it "
                    + "will be locked");
        }
    }

    private static void warn(Concerns concerns, String what) {
        concerns.warn("vm-not-restored", what, "CRIU doesn't restore that: the copy runs without it");
    }
}
