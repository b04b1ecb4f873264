package io.decamp.introspector.engine.vm.state;

import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/**
 * Numbers of processes, threads, groups and sessions as the workload's own PID namespace has them: images hold no
 * others.
 */
final class Numbers {
    private final GuestTasks tasks;
    private final int level;

    Numbers(GuestTasks tasks, KernelObject init) {
        this.tasks = tasks;
        this.level = tasks.level(init);
    }

    /** Of a {@code struct task_struct}; 0 when it can't be seen in the workload. */
    int of(KernelObject task) {
        return tasks.pidIn(task, level);
    }

    /** Of a {@code struct pid}. */
    int ofPid(KernelObject pid) {
        return tasks.numberIn(pid, level);
    }
}
