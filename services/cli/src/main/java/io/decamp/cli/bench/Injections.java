package io.decamp.cli.bench;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.introspector.engine.memory.WorkloadMemorySource;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How long the beginning of tracking stops a process. */
final class Injections {
    private Injections() {}

    /** Microseconds: one of a new workload each. */
    static List<Long> stopMicros(ChainSpec spec, int count) {
        List<Long> stopped = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Path memory = Scratch.onTmpfs("decamp-bench-");
            try (PidWorkload workload = PidWorkload.start(spec)) {
                int pid = Math.toIntExact(workload.initPid());
                WorkloadId id = new WorkloadId("pid:" + pid + "@bench");
                WorkloadMemorySource source = new WorkloadMemorySource(memory, any -> pid);
                stopped.add(source.track(id, 1).stoppedMicrosMax());
                source.untrack(id);
            } finally {
                Trees.delete(memory);
            }
        }
        return stopped;
    }
}
