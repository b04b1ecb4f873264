package io.decamp.introspector.engine.vm.guest;

/**
 * Numbers of processes, threads, groups and sessions as the PID namespace of one workload has them: images hold no
 * others.
 *
 * @param level of that namespace
 */
public record PidNumbers(GuestTasks tasks, int level) {
    /** @param init of the workload */
    public static PidNumbers of(GuestTasks tasks, KernelObject init) {
        return new PidNumbers(tasks, tasks.level(init));
    }

    /** @return 0 for a task that the workload can't see */
    public int ofTask(KernelObject task) {
        return tasks.pidIn(task, level);
    }

    /** The same of a {@code struct pid}. */
    public int ofPid(KernelObject pid) {
        return tasks.numberIn(pid, level);
    }
}
