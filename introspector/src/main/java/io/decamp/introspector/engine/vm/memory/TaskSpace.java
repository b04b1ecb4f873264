package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestVmas;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PageTables;

/**
 * The memory of a process by its task_struct. An exec gives the task another {@code mm} and raises its {@code
 * self_exec_id}; an exit takes the {@code mm} away; a task_struct that is used anew has another start time.
 */
final class TaskSpace implements GuestSpace {
    private final GuestVmas vmas;
    private final KernelObject task;
    private final KernelObject mm;
    private final int pid;
    private final long start;
    private final long execs;
    private final long pageTable;

    TaskSpace(GuestVmas vmas, KernelObject task) {
        this.vmas = vmas;
        this.task = task;
        this.mm = task.follow("mm");
        this.pid = (int) task.number("pid");
        this.start = task.number("start_boottime");
        this.execs = task.number("self_exec_id");
        this.pageTable = task.kernel().physical(mm.number("pgd")) & PageTables.ADDRESS;
    }

    @Override
    public int pid() {
        return pid;
    }

    @Override
    public long pageTable() {
        return pageTable;
    }

    @Override
    public PrivateMappings mappings() {
        return PrivateMappings.of(vmas, mm);
    }

    @Override
    public boolean isUnderChange() {
        return GuestVmas.isUnderChange(mm);
    }

    @Override
    public boolean isAlive() {
        try {
            return task.number("mm") == mm.address()
                    && task.number("self_exec_id") == execs
                    && task.number("start_boottime") == start
                    && task.number("pid") == pid;
        } catch (GuestFault e) {
            return false;
        }
    }

    @Override
    public long[] identity() {
        return new long[] {task.address(), mm.address(), start, execs};
    }
}
