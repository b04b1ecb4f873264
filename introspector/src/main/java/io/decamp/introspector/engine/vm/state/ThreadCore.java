package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.ThreadCoreEntry;
import io.decamp.contracts.criu.ThreadInfoX86;
import io.decamp.contracts.criu.ThreadSasEntry;
import io.decamp.contracts.criu.UserDescT;
import io.decamp.contracts.criu.UserX86RegsEntry;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.Set;

/** What one thread has for itself: registers, scheduling, signals that wait for it, credentials. */
final class ThreadCore {
    /** {@code sizeof(struct robust_list_head)} */
    private static final int ROBUST_LIST_BYTES = 24;

    /** {@code MAX_RT_PRIO + NICE_WIDTH / 2}: the static priority of nice 0. */
    private static final int NICE_ZERO = 120;

    private static final int SCHED_FIFO = 1;
    private static final int SCHED_RR = 2;
    private static final int SCHED_DEADLINE = 6;
    private static final int SCHED_EXT = 7;

    /** SCHED_OTHER, SCHED_BATCH, SCHED_IDLE and those with a priority (validate_sched_parm of criu/cr-restore.c). */
    private static final Set<Integer> RESTORED_POLICIES = Set.of(0, 3, 5, SCHED_FIFO, SCHED_RR);

    private static final int SECCOMP_FILTER = 2;
    private static final int SS_DISABLE = 2;
    /** {@code TASK_COMM_LEN} */
    private static final int NAME_BYTES = 16;
    /** {@code GDT_ENTRY_TLS_MIN} */
    private static final int FIRST_TLS_ENTRY = 12;

    private static final int TLS_ENTRIES = 3;

    private final KernelObject task;
    private final Concerns concerns;

    ThreadCore(KernelObject task, Concerns concerns) {
        this.task = task;
        this.concerns = concerns;
    }

    static String name(KernelObject task) {
        byte[] bytes = task.text("comm", NAME_BYTES).getBytes(StandardCharsets.ISO_8859_1);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** @param regs as they are to be restored */
    ThreadInfoX86 processor(UserX86RegsEntry regs, Fpu fpu) {
        refuseSegments();
        ThreadInfoX86.Builder info = ThreadInfoX86.newBuilder()
                .setClearTidAddr(task.number("clear_child_tid"))
                .setGpregs(regs)
                .setFpregs(fpu.read(task, concerns));
        for (int i = 0; i < TLS_ENTRIES; i++) {
            info.addTls(emptySegment(FIRST_TLS_ENTRY + i));
        }
        return info.build();
    }

    private static UserDescT emptySegment(int entry) {
        return UserDescT.newBuilder()
                .setEntryNumber(entry)
                .setBaseAddr(0)
                .setLimit(0)
                .setSeg32Bit(false)
                .setContentsH(false)
                .setContentsL(false)
                .setReadExecOnly(true)
                .setLimitInPages(false)
                .setSegNotPresent(true)
                .setUsable(false)
                .build();
    }

    /** Things of 32-bit programs and of emulators, which have no place in an image of a 64-bit thread. */
    private void refuseSegments() {
        boolean segments = false;
        for (byte b : task.bytes("thread.tls_array")) {
            segments |= b != 0;
        }
        boolean ports = task.has("thread.io_bitmap") && task.number("thread.io_bitmap") != 0
                || task.has("thread.iopl_emul") && task.number("thread.iopl_emul") != 0;
        if (segments || ports) {
            concerns.refuse(
                    "vm-cpu-state",
                    "Thread " + task.number("pid") + " of the guest has "
                            + (ports ? "access to I/O ports" : "TLS segments"),
                    "Only plain 64-bit programs can be carried");
        }
    }

    ThreadCoreEntry.Builder core() {
        ThreadCoreEntry.Builder core = ThreadCoreEntry.newBuilder()
                .setFutexRla(task.number("robust_list"))
                .setFutexRlaLen(ROBUST_LIST_BYTES)
                .setSas(alternateStack())
                .setSignalsP(Signals.queue(task.at("pending")))
                .setCreds(Credentials.read(task, concerns))
                .setComm(name(task));
        if (task.number("pdeath_signal") != 0) {
            core.setPdeathSig((int) task.number("pdeath_signal"));
        }
        scheduling(core);
        seccomp(core);
        dispatch();
        Unrestored.warnOfThread(task, concerns);
        return core;
    }

    private void scheduling(ThreadCoreEntry.Builder core) {
        int policy = (int) task.number("policy");
        core.setSchedPolicy(policy).setSchedNice((int) task.number("static_prio") - NICE_ZERO);
        if (policy == SCHED_FIFO || policy == SCHED_RR) {
            core.setSchedPrio((int) task.number("rt_priority"));
        } else if (policy == SCHED_DEADLINE) {
            concerns.refuse(
                    "vm-deadline-scheduling",
                    "Thread " + task.number("pid") + " of the guest is scheduled by deadlines, which CRIU "
                            + "doesn't restore",
                    "Use SCHED_FIFO or SCHED_RR");
        } else if (!RESTORED_POLICIES.contains(policy)) {
            concerns.refuse(
                    "vm-scheduling-policy",
                    "Thread " + task.number("pid") + " of the guest is scheduled by policy " + policy
                            + (policy == SCHED_EXT ? " (SCHED_EXT)" : "") + ", which CRIU doesn't know",
                    "Use SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO or SCHED_RR");
        }
    }

    /** System calls that come back to the program as signals: kernel/entry/syscall_user_dispatch.c. */
    private void dispatch() {
        OptionalLong bit = task.kernel().types().enumerator("SYSCALL_WORK_BIT_SYSCALL_USER_DISPATCH");
        if (bit.isPresent() && (task.number("thread_info.syscall_work") >>> bit.getAsLong() & 1) != 0) {
            concerns.refuse(
                    "vm-syscall-dispatch",
                    "Thread " + task.number("pid") + " of the guest has system calls sent to itself as signals "
                            + "(PR_SET_SYSCALL_USER_DISPATCH)",
                    "CRIU doesn't restore that: emulators that use it can't be moved");
        }
    }

    private ThreadSasEntry alternateStack() {
        long size = task.number("sas_ss_size");
        return ThreadSasEntry.newBuilder()
                .setSsSp(task.number("sas_ss_sp"))
                .setSsSize(size)
                .setSsFlags((int) task.number("sas_ss_flags") | (size == 0 ? SS_DISABLE : 0))
                .build();
    }

    private void seccomp(ThreadCoreEntry.Builder core) {
        int mode = (int) task.number("seccomp.mode");
        if (mode >= SECCOMP_FILTER) {
            concerns.refuse(
                    "vm-seccomp-filter",
                    "Thread " + task.number("pid") + " of the guest has a seccomp filter, which can't be read "
                            + "from outside",
                    "Start the workload without a seccomp profile");
        } else if (mode != 0) {
            core.setSeccompMode(mode);
        }
        if ((task.number("atomic_flags") & 1) != 0) {
            concerns.warn(
                    "vm-no-new-privs",
                    "Thread " + task.number("pid") + " of the guest has set no_new_privs, which CRIU doesn't restore",
                    "A program that it starts after the move may gain privileges by its file; keep such files "
                            + "out of its reach");
        }
    }
}
