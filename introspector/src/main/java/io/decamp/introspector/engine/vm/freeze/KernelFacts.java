package io.decamp.introspector.engine.vm.freeze;

/**
 * What BTF does not say: constants that are {@code #define}s. Those that a wrong value would make dangerous are proved
 * against the guest's own code by {@link KernelProof} before anything is written.
 */
final class KernelFacts {
    /** include/linux/sched/jobctl.h: JOBCTL_TRAP_FREEZE_BIT 23. */
    static final long JOBCTL_TRAP_FREEZE = 1L << 23;

    /** include/linux/sched/jobctl.h: JOBCTL_STOP_PENDING (17) and JOBCTL_TRAP_MASK (TRAP_STOP 19, TRAP_NOTIFY 20). */
    static final long JOBCTL_PENDING_MASK = 1L << 17 | 1L << 19 | 1L << 20;

    /** include/linux/sched/jobctl.h: JOBCTL_STOPPED_BIT 26 (5.19 and later; older ones do not use the bit). */
    static final long JOBCTL_STOPPED = 1L << 26;

    /** arch/x86/include/asm/thread_info.h: TIF_SIGPENDING 2. */
    static final long SIGPENDING = 1L << 2;

    /** include/linux/sched.h. */
    static final long TASK_INTERRUPTIBLE = 0x1;

    /** include/linux/sched.h: __TASK_STOPPED, after SIGSTOP. */
    static final long TASK_STOPPED = 0x4;

    /** include/linux/sched.h: SIGKILL wakes it. */
    static final long TASK_WAKEKILL = 0x100;

    /** include/linux/sched.h: in the freezer of suspend and of cgroup v1 (6.1 and later). */
    static final long TASK_FROZEN = 0x8000;

    /** include/linux/sched.h: PF_EXITING. */
    static final long PF_EXITING = 0x4;

    /** include/linux/sched/signal.h: SIGNAL_GROUP_EXIT. */
    static final int SIGNAL_GROUP_EXIT = 0x4;

    static final int SIGKILL = 9;

    /**
     * include/linux/smp_types.h: CSD_TYPE_SYNC | CSD_FLAG_LOCK: called in order, and LOCK is cleared after the call.
     */
    static final int CALL_SYNC_LOCKED = 0x10 | 0x1;

    /** include/linux/smp_types.h: CSD_FLAG_LOCK. */
    static final int CALL_LOCK = 0x1;

    /** arch/x86/include/asm/irq_vectors.h: CALL_FUNCTION_SINGLE_VECTOR. */
    static final int CALL_VECTOR = 0xfb;

    /** Intel SDM 3A 11.11.1: where a write is a message-signalled interrupt; destination in bits 12 to 19. */
    static final long MSI_BASE = 0xfee00000L;

    /** With 8 bits of destination, 255 means all processors. */
    static final int APIC_ID_MAX = 254;

    /** include/uapi/linux/magic.h: STACK_END_MAGIC, the lowest bytes of every kernel stack. */
    static final long STACK_END_MAGIC = 0x57AC6E9DL;

    private KernelFacts() {}
}
