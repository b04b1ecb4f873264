package io.decamp.introspector.engine.memory;

import io.decamp.contracts.id.WorkloadId;

/** Where a workload's processes begin. */
@FunctionalInterface
public interface WorkloadProcesses {
    /**
     * @return the PID, as this host sees it, of the init of the workload's PID namespace
     * @throws io.decamp.contracts.error.DecampException {@code workload-not-found}, {@code not-namespace-init}
     */
    int initPid(WorkloadId workload);
}
