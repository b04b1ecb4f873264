package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/** Numbers of {@code struct pid} as the workload's own PID namespace has them. */
record PidNumbers(GuestTasks tasks, int level) {
    /** @return 0 for a process that the workload can't see */
    int number(KernelObject pid) {
        return tasks.numberIn(pid, level);
    }
}
