package io.decamp.edge.config;

import io.decamp.contracts.port.WorkloadRuntime;
import java.util.Map;

/** The runtimes of this node by kind of locator, as one bean. */
public record WorkloadRuntimes(Map<String, WorkloadRuntime> byKind) {
    public WorkloadRuntimes {
        byKind = Map.copyOf(byKind);
    }
}
