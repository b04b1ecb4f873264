package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.Architecture;
import io.decamp.contracts.criu.CoreEntry;
import io.decamp.contracts.criu.PstreeEntry;
import io.decamp.contracts.criu.RlimitEntry;
import io.decamp.contracts.criu.TaskCoreEntry;
import io.decamp.contracts.criu.TaskRlimitsEntry;
import io.decamp.contracts.criu.ThreadCoreEntry;
import io.decamp.contracts.criu.UserX86RegsEntry;
import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.AddressSpace;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import io.decamp.introspector.engine.vm.image.Concerns;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One process and its threads, without its memory and files: who it is, and what its threads are about to do. */
final class ProcessState {
    static final int ALIVE = 1;
    static final int DEAD = 2;
    static final int STOPPED = 3;

    /** The cgroups that criu itself runs in: the destination puts the copy where it belongs. */
    static final int CGROUP_SET = 1;

    /** {@code SIGNAL_STOP_STOPPED} and {@code SIGNAL_GROUP_EXIT} (include/linux/sched/signal.h). */
    private static final int STOP_STOPPED = 1;

    private static final int GROUP_EXIT = 4;

    /** {@code __TASK_STOPPED} */
    private static final int TASK_STOPPED = 4;

    /** {@code PIDTYPE_PGID} and {@code PIDTYPE_SID} (include/linux/pid_types.h). */
    private static final int GROUP = 2;

    private static final int SESSION = 3;

    /** The number of the first process of a PID namespace, in there. */
    private static final int INIT = 1;

    private final KernelObject leader;
    private final List<KernelObject> threads;
    private final PidNumbers numbers;
    private final Concerns concerns;
    private final boolean dead;

    ProcessState(KernelObject leader, GuestTasks tasks, PidNumbers numbers, Concerns concerns) {
        this.leader = leader;
        this.numbers = numbers;
        this.concerns = concerns;
        dead = leader.number("exit_state") != 0;
        threads = tasks.threads(leader);
    }

    KernelObject leader() {
        return leader;
    }

    List<KernelObject> threads() {
        return threads;
    }

    /** A zombie: nothing is left of it but what its parent asks for. */
    boolean isDead() {
        return dead;
    }

    int pid() {
        return numbers.ofTask(leader);
    }

    /** What only the process as a whole can be asked. */
    void check() {
        if (dead && threads.size() > 1) {
            concerns.refuse(
                    "vm-leader-exited",
                    "The first thread of process " + pid() + " has ended, others run on",
                    "CRIU can't restore such a process: end it");
        }
        for (KernelObject thread : threads) {
            if (thread.number("ptrace") != 0) {
                concerns.refuse(
                        "vm-traced",
                        "Thread " + numbers.ofTask(thread) + " is traced",
                        "Detach the debugger; a tracer can't be moved apart from what it traces");
            }
            if (!dead && (thread.number("exit_state") != 0 || Signals.isToDie(thread.at("pending")))) {
                concerns.retry("vm-thread-exiting", "Thread " + numbers.ofTask(thread) + " is ending", "Try again");
            }
            shared(thread, "files", "vm-thread-descriptors", "descriptors");
            shared(thread, "fs", "vm-thread-directories", "working directory");
            semaphores(thread);
        }
        parent();
        if (number(SESSION) == 0) {
            concerns.refuse(
                    "vm-session-outside",
                    "Process " + pid() + " belongs to a session from outside the workload",
                    "Start the workload with setsid, as container engines do");
        }
    }

    /** Who entered the namespace from outside has its parent there: CRIU takes one without a parent for the init. */
    private void parent() {
        if (pid() != INIT && parentPid() == 0) {
            concerns.refuse(
                    "vm-parent-outside",
                    "The parent of process " + pid() + " is not part of the workload",
                    "End it, or what it was entered with (nsenter, docker exec)");
        }
    }

    private int parentPid() {
        return numbers.ofTask(leader.follow("real_parent").follow("group_leader"));
    }

    /** Semaphores that are to be set back when it ends: they belong to a namespace, and the promise to the process. */
    private void semaphores(KernelObject thread) {
        if (!dead && thread.has("sysvsem.undo_list") && thread.tryFollow("sysvsem.undo_list")
                .filter(undo -> undo.number("list_proc.next") != undo.addressOf("list_proc"))
                .isPresent()) {
            concerns.refuse(
                    "vm-sysv-ipc",
                    "Thread " + numbers.ofTask(thread) + " holds System V semaphores (SEM_UNDO)",
                    "Have it use POSIX objects or pipes instead");
        }
    }

    private void shared(KernelObject thread, String member, String code, String words) {
        if (!dead && thread.number(member) != leader.number(member)) {
            concerns.refuse(
                    code,
                    "Thread " + numbers.ofTask(thread) + " has its own " + words,
                    "CRIU restores one for all threads of a process");
        }
    }

    /** A capture must see every thread at rest: its registers are in memory then, and stay. */
    void requireFrozen() {
        for (KernelObject thread : threads) {
            // a stopped thread sleeps at the same place as a frozen one, and stays until it is continued
            if (!dead && thread.number("frozen") == 0 && !isAtRest(thread)) {
                throw DecampException.abort(
                        "not-frozen",
                        "Thread " + numbers.ofTask(thread) + " is not frozen",
                        "Somebody thawed the workload while it was saved: try again",
                        null);
            }
        }
    }

    private static boolean isAtRest(KernelObject thread) {
        return (thread.number(thread.has("__state") ? "__state" : "state") & TASK_STOPPED) != 0;
    }

    private boolean isStopped() {
        KernelObject signal = leader.follow("signal");
        return (signal.number("flags") & STOP_STOPPED) != 0
                || Signals.isToStop(signal.at("shared_pending"))
                || Signals.isToStop(leader.at("pending"));
    }

    private int number(int type) {
        return leader.follow("signal")
                .tryElement("pids", type)
                .map(numbers::ofPid)
                .orElse(0);
    }

    PstreeEntry tree(boolean root) {
        PstreeEntry.Builder entry = PstreeEntry.newBuilder()
                .setPid(pid())
                .setPpid(root ? 0 : parentPid())
                .setPgid(number(GROUP))
                .setSid(number(SESSION));
        threads.forEach(thread -> entry.addThreads(numbers.ofTask(thread)));
        return entry.build();
    }

    /** By number of the thread, the leader first. */
    Map<Integer, CoreEntry> cores(Fpu fpu, Timers timers) {
        Map<Integer, CoreEntry> cores = new LinkedHashMap<>();
        if (dead) {
            cores.put(pid(), zombie());
            return cores;
        }
        AddressSpace memory = AddressSpace.of(leader.follow("mm"));
        for (KernelObject thread : threads) {
            UserX86RegsEntry.Builder regs = Registers.read(thread, concerns);
            ThreadCore state = new ThreadCore(thread, concerns);
            ThreadCoreEntry.Builder core = state.core();
            RestartableSequence.read(thread, memory, regs, concerns).ifPresent(core::setRseqEntry);
            CoreEntry.Builder entry = CoreEntry.newBuilder()
                    .setMtype(Architecture.X86_64)
                    .setThreadInfo(state.processor(regs.build(), fpu));
            if (thread.equals(leader)) {
                entry.setTc(process(timers));
            } else {
                core.setBlkSigset(Signals.blocked(thread));
            }
            cores.put(numbers.ofTask(thread), entry.setThreadCore(core).build());
        }
        return cores;
    }

    private TaskCoreEntry.Builder process(Timers timers) {
        KernelObject signal = leader.follow("signal");
        return base(isStopped() ? STOPPED : ALIVE, 0)
                .setBlkSigset(Signals.blocked(leader))
                .setTimers(timers.read(leader))
                .setRlimits(limits(signal))
                .setCgSet(CGROUP_SET)
                .setSignalsS(Signals.queue(signal.at("shared_pending")))
                .setLoginuid(leader.has("loginuid") ? (int) leader.number("loginuid") : -1)
                .setOomScoreAdj((int) signal.number("oom_score_adj"))
                .addAllSigactions(Signals.actions(leader))
                .setChildSubreaper(signal.number("is_child_subreaper") != 0);
    }

    private TaskCoreEntry.Builder base(int state, int exitCode) {
        return TaskCoreEntry.newBuilder()
                .setTaskState(state)
                .setExitCode(exitCode)
                .setPersonality((int) leader.number("personality"))
                .setFlags((int) leader.number("flags"))
                .setBlkSigset(0)
                .setComm(ThreadCore.name(leader));
    }

    private CoreEntry zombie() {
        KernelObject signal = leader.follow("signal");
        boolean whole = (signal.number("flags") & GROUP_EXIT) != 0;
        long code = whole ? signal.number("group_exit_code") : leader.number("exit_code");
        return CoreEntry.newBuilder()
                .setMtype(Architecture.X86_64)
                .setTc(base(DEAD, (int) code))
                .build();
    }

    private static TaskRlimitsEntry limits(KernelObject signal) {
        long[] words = pairs(signal);
        TaskRlimitsEntry.Builder limits = TaskRlimitsEntry.newBuilder();
        for (int i = 0; i < words.length; i += 2) {
            limits.addRlimits(RlimitEntry.newBuilder().setCur(words[i]).setMax(words[i + 1]));
        }
        return limits.build();
    }

    private static long[] pairs(KernelObject signal) {
        byte[] bytes = signal.bytes("rlim");
        if (bytes.length == 0 || bytes.length % 16 != 0) {
            throw new GuestFault(GuestFault.Reason.TYPE, "The limits of a process have " + bytes.length + " bytes");
        }
        long[] words = new long[bytes.length / Long.BYTES];
        ByteBuffer.wrap(bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asLongBuffer()
                .get(words);
        return words;
    }

    /** Objects that CRIU wants each process to have for itself. */
    static void requireUnshared(List<ProcessState> processes, String member, String code, Concerns concerns) {
        Map<Long, Integer> seen = new LinkedHashMap<>();
        for (ProcessState process : processes) {
            long object = process.dead ? 0 : process.leader.number(member);
            Integer other = object == 0 ? null : seen.putIfAbsent(object, process.pid());
            if (other != null) {
                concerns.refuse(
                        code,
                        "Processes " + other + " and " + process.pid() + " share their " + member,
                        "CRIU can't restore that; a vfork ends by itself: try again");
            }
        }
    }

    static List<PstreeEntry> tree(List<ProcessState> processes) {
        List<PstreeEntry> tree = new ArrayList<>();
        for (ProcessState process : processes) {
            tree.add(process.tree(tree.isEmpty()));
        }
        return tree;
    }
}
