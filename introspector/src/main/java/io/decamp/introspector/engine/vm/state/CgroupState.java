package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.v1.CgroupValue;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the workload's cgroup (v2) limits, as its files would show it: memory (mm/memcontrol.c), cpu
 * (kernel/sched/core.c)
 * and pids (kernel/cgroup/pids.c). A controller that is not enabled there has no values.
 */
final class CgroupState {
    private static final int MAX_NAME = 64;

    /** {@code PAGE_COUNTER_MAX} */
    private static final long NO_LIMIT_PAGES = Long.MAX_VALUE / 4096;

    /** {@code PID_MAX_LIMIT}: from here on there is no limit. */
    private static final long NO_LIMIT_PIDS = 4 << 20;

    /** {@code RUNTIME_INF} */
    private static final long NO_LIMIT_RUNTIME = -1;

    /** {@code scale_load}: shares are kept with ten more bits. */
    private static final int LOAD_SHIFT = 10;

    private static final long DEFAULT_SHARES = 1024;
    private static final long DEFAULT_WEIGHT = 100;
    private static final long NANOS_PER_MICRO = 1000;

    private final List<CgroupValue> values = new ArrayList<>();

    private CgroupState() {}

    /** @param init of the workload: its cgroup counts */
    static List<CgroupValue> of(KernelObject init) {
        KernelObject cgroup = init.follow("cgroups").follow("dfl_cgrp");
        CgroupState state = new CgroupState();
        // the root has no limits, and no files for any
        if (cgroup.number("level") > 0) {
            int controllers = cgroup.numbers("subsys").length;
            for (int i = 0; i < controllers; i++) {
                Optional<KernelObject> css = cgroup.tryElement("subsys", i);
                css.filter(one -> one.number("cgroup") == cgroup.address()).ifPresent(state::controller);
            }
        }
        return state.values;
    }

    private void controller(KernelObject css) {
        switch (css.follow("ss").text("name", MAX_NAME)) {
            case "memory" -> memory(css.container("mem_cgroup", "css"));
            case "cpu" -> cpu(css.container("task_group", "css"));
            case "pids" -> pids(css.container("pids_cgroup", "css"));
            default -> {
                // those of others (cpuset, io, hugetlb) are about processors and devices that the destination has not
            }
        }
    }

    private void memory(KernelObject group) {
        add("memory.min", pages(group.number("memory.min")));
        add("memory.low", pages(group.number("memory.low")));
        add("memory.high", pages(group.number("memory.high")));
        add("memory.max", pages(group.number("memory.max")));
        if (group.has("swap.max")) {
            add("memory.swap.max", pages(group.number("swap.max")));
        }
        if (group.has("oom_group")) {
            add("memory.oom.group", String.valueOf(group.number("oom_group")));
        }
    }

    private static String pages(long pages) {
        return pages >= NO_LIMIT_PAGES ? "max" : Long.toString(pages * 4096);
    }

    private void cpu(KernelObject group) {
        long shares = group.number("shares") >>> LOAD_SHIFT;
        boolean idle = group.has("idle") && group.number("idle") != 0;
        if (idle) {
            add("cpu.idle", "1");
        } else {
            long weight = (shares * DEFAULT_WEIGHT + DEFAULT_SHARES / 2) / DEFAULT_SHARES;
            add("cpu.weight", Long.toString(weight));
        }
        long quota = group.number("cfs_bandwidth.quota");
        String runtime = quota == NO_LIMIT_RUNTIME ? "max" : Long.toString(quota / NANOS_PER_MICRO);
        add("cpu.max", runtime + " " + group.number("cfs_bandwidth.period") / NANOS_PER_MICRO);
        if (group.has("cfs_bandwidth.burst")) {
            add("cpu.max.burst", Long.toString(group.number("cfs_bandwidth.burst") / NANOS_PER_MICRO));
        }
    }

    private void pids(KernelObject group) {
        long limit = group.number("limit");
        add("pids.max", limit >= NO_LIMIT_PIDS ? "max" : Long.toString(limit));
    }

    private void add(String file, String value) {
        values.add(CgroupValue.newBuilder().setFile(file).setValue(value).build());
    }
}
