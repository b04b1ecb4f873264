package io.decamp.introspector.engine.vm.guest;

import io.decamp.contracts.error.DecampException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The guest's processes and threads: {@code task_struct} by {@code task_struct}. Leaders are what {@code ps} shows,
 * each with its threads. Thread safe.
 *
 * <p>While the guest runs, a list may be seen in the middle of a change: reading starts anew some times before it gives
 * up.
 */
public final class GuestTasks {
    /** {@code PID_MAX_LIMIT}; the limit that bites is what fits into the guest's RAM. */
    private static final int MAX_TASKS = 4 << 20;
    /**
     * The kernel changes these lists so that they are whole at every moment, a paused one included: a read only fails
     * when what it came by was freed meanwhile, and that does not happen four times in a row.
     */
    private static final int ATTEMPTS = 4;

    private final GuestKernel kernel;
    private final int limit;

    public GuestTasks(GuestKernel kernel) {
        this.kernel = kernel;
        limit = (int) Math.min(MAX_TASKS, kernel.ram().bytes() / Math.max(1024, kernel.types().sizeOf("task_struct")));
    }

    /** The process with this number in the guest's initial PID namespace. */
    public Optional<KernelObject> find(int pid) {
        return again(() -> {
            for (KernelObject leader : leaders()) {
                if (leader.number("tgid") == pid) {
                    return Optional.of(leader);
                }
            }
            return Optional.<KernelObject>empty();
        });
    }

    /** All leaders, the idle task ({@code init_task}) not among them. */
    public List<KernelObject> all() {
        return again(() -> {
            List<KernelObject> all = new ArrayList<>();
            leaders().forEach(all::add);
            return all;
        });
    }

    private Iterable<KernelObject> leaders() {
        return kernel.global("init_task", "task_struct").list("tasks", "task_struct", "tasks", limit);
    }

    /** All threads of a process, the leader first. */
    public List<KernelObject> threads(KernelObject leader) {
        return again(() -> {
            List<KernelObject> threads = new ArrayList<>();
            leader.follow("signal")
                    .list("thread_head", "task_struct", "thread_node", limit)
                    .forEach(threads::add);
            return threads;
        });
    }

    private static <T> T again(Supplier<T> read) {
        for (int attempt = 1; ; attempt++) {
            try {
                return read.get();
            } catch (GuestFault e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    /** How deep the task's PID namespace is; 0 is the guest's initial one. A task that is gone has none: a fault. */
    public int level(KernelObject task) {
        return (int) pid(task).number("level");
    }

    private KernelObject pid(KernelObject task) {
        return task.follow("thread_pid");
    }

    /**
     * The number of a thread in the namespace of that level.
     *
     * @return 0 when it can't be seen there
     */
    public int pidIn(KernelObject task, int level) {
        return task.tryFollow("thread_pid").map(pid -> numberIn(pid, level)).orElse(0);
    }

    /**
     * The number of a {@code struct pid} (of a group, a session) in the namespace of that level; 0 when it has none.
     */
    public int numberIn(KernelObject pid, int level) {
        return level < 0 || level > pid.number("level")
                ? 0
                : (int) pid.element("numbers", level).number("nr");
    }

    /** The PID namespace that a task is in. */
    public KernelObject namespace(KernelObject task) {
        KernelObject pid = pid(task);
        return pid.element("numbers", (int) pid.number("level")).follow("ns");
    }

    /** Whether it is the first process of a PID namespace other than the guest's initial one. */
    public boolean isNamespaceInit(KernelObject task) {
        int level = level(task);
        return level > 0 && pidIn(task, level) == 1;
    }

    /**
     * The processes of the PID namespace whose init is given, parents before children.
     *
     * @throws DecampException when a process is in a namespace inside this one
     */
    public List<KernelObject> inNamespaceOf(KernelObject init) {
        return again(() -> membersOf(init));
    }

    private List<KernelObject> membersOf(KernelObject init) {
        int level = level(init);
        KernelObject namespace = namespace(init);
        Map<KernelObject, List<KernelObject>> children = new LinkedHashMap<>();
        List<KernelObject> members = new ArrayList<>();
        for (KernelObject leader : all()) {
            Optional<KernelObject> pid = leader.tryFollow("thread_pid");
            if (pid.isEmpty() || !seenIn(pid.get(), level, namespace)) {
                continue;
            }
            requireNotNested(leader, pid.get(), level);
            members.add(leader);
            children.computeIfAbsent(leader.follow("real_parent").follow("group_leader"), p -> new ArrayList<>())
                    .add(leader);
        }
        return parentsFirst(init, members, children);
    }

    private static boolean seenIn(KernelObject pid, int level, KernelObject namespace) {
        return pid.number("level") >= level
                && pid.element("numbers", level).number("ns") == namespace.address();
    }

    private static void requireNotNested(KernelObject leader, KernelObject pid, int level) {
        if (pid.number("level") > level) {
            throw DecampException.refused(
                    "vm-nested-pid-namespace",
                    "Process " + leader.number("pid") + " (" + leader.text("comm", 16)
                            + ") is in a PID namespace inside that of the container",
                    "Move the inner container by itself, or end it.");
        }
    }

    private static List<KernelObject> parentsFirst(
            KernelObject init, List<KernelObject> members, Map<KernelObject, List<KernelObject>> children) {
        Set<KernelObject> sorted = new LinkedHashSet<>(List.of(init));
        Deque<KernelObject> open = new ArrayDeque<>(sorted);
        while (!open.isEmpty()) {
            for (KernelObject child : children.getOrDefault(open.poll(), List.of())) {
                if (sorted.add(child)) {
                    open.add(child);
                }
            }
        }
        // who entered from outside (nsenter) has a parent that is not in here
        sorted.addAll(members);
        return List.copyOf(sorted);
    }
}
