package io.decamp.introspector.engine.memory;

import io.decamp.contracts.id.WorkloadId;
import java.nio.file.Path;

/** How the memory of one kind of workloads is got hold of: on this host's kernel, or inside a VM. */
@FunctionalInterface
public interface MemoryAccess {
    /**
     * Looks at nothing yet, so that what an earlier service left can be cleared away when the workload is gone.
     *
     * @param directory of this workload alone, on tmpfs; its {@code space-ID} directories are deleted with their spaces
     */
    SpaceKernels open(WorkloadId workload, Path directory);

    /** Of workloads whose processes this host's kernel runs. */
    static MemoryAccess ofHost(WorkloadProcesses processes) {
        return (workload, directory) -> new LinuxSpaceKernels(directory, new HostInit(workload, processes));
    }
}
