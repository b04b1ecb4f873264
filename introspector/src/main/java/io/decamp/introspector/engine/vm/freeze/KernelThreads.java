package io.decamp.introspector.engine.vm.freeze;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.GuestTasks;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Threads as the guest's kernel has them. */
final class KernelThreads implements ThreadReader {
    private final GuestKernel kernel;
    private final GuestTasks tasks;
    private final Supplier<List<KernelObject>> leaders;
    private final boolean delayedDequeue;

    KernelThreads(GuestKernel kernel, Supplier<List<KernelObject>> leaders) {
        this.kernel = kernel;
        this.tasks = new GuestTasks(kernel);
        this.leaders = leaders;
        this.delayedDequeue = kernel.types().has("task_struct", "se.sched_delayed");
    }

    @Override
    public List<ThreadState> list() {
        List<ThreadState> all = new ArrayList<>();
        for (KernelObject leader : leaders.get()) {
            for (KernelObject thread : tasks.threads(leader)) {
                all.add(read(thread));
            }
        }
        return all;
    }

    @Override
    public ThreadState look(ThreadState before) {
        try {
            ThreadState now = read(kernel.object("task_struct", before.address()));
            return now.pid() == before.pid() ? now : dead(before);
        } catch (GuestFault e) {
            if (e.reason() == GuestFault.Reason.GONE) {
                throw e;
            }
            // what leads nowhere was freed
            return dead(before);
        }
    }

    private static ThreadState dead(ThreadState b) {
        return new ThreadState(
                b.address(), b.pid(), b.process(), 0, 0, false, false, false, true, true, false, false, false, false);
    }

    private ThreadState read(KernelObject task) {
        Optional<KernelObject> signals = task.tryFollow("sighand");
        return new ThreadState(
                task.address(),
                (int) task.number("pid"),
                (int) task.number("tgid"),
                task.number("__state") & 0xffff_ffffL,
                task.number("jobctl"),
                task.number("frozen") != 0,
                task.number("on_cpu") != 0,
                isQueued(task),
                task.number("exit_state") != 0,
                (task.number("flags") & KernelFacts.PF_EXITING) != 0,
                task.number("ptrace") != 0,
                signals.map(s -> kernel.u32(s.addressOf("siglock")) != 0).orElse(true),
                kernel.u32(task.addressOf("pi_lock")) != 0,
                isFrozenByGuest(task));
    }

    /** Kernels with EEVDF leave a sleeper in the run queue for a while, and never run it there (se.sched_delayed). */
    private boolean isQueued(KernelObject task) {
        return task.number("on_rq") != 0 && !(delayedDequeue && task.number("se.sched_delayed") != 0);
    }

    private static boolean isFrozenByGuest(KernelObject task) {
        return task.tryFollow("cgroups")
                .flatMap(set -> set.tryFollow("dfl_cgrp"))
                .map(cgroup -> cgroup.number("freezer.e_freeze") != 0)
                .orElse(false);
    }
}
