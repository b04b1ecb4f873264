package io.decamp.introspector.engine.memory;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;

/** The init of a workload. Asking a container runtime costs tens of milliseconds: it is asked once in an init's life. */
final class HostInit {
    private final WorkloadId workload;
    private final WorkloadProcesses processes;
    private ProcessIdentity known;

    HostInit(WorkloadId workload, WorkloadProcesses processes) {
        this.workload = workload;
        this.processes = processes;
    }

    int pid() {
        if (known == null || !known.isPresent()) {
            int pid = processes.initPid(workload);
            known = ProcessIdentity.of(pid).orElse(null);
            return pid;
        }
        return known.pid();
    }
}
