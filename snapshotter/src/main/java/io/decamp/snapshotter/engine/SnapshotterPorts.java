package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeDirectory;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.snapshotter.engine.arbiter.LinkArbiter;
import io.decamp.snapshotter.engine.propagation.PropagationPolicy;
import io.opentelemetry.api.trace.Tracer;
import java.time.Clock;
import java.util.Map;

/** Everything outside that the snapshotter uses. {@code runtimes} is by kind of locator. */
public record SnapshotterPorts(
        NodeSettings settings,
        Map<String, WorkloadRuntime> runtimes,
        MemorySource memory,
        PageTransport transport,
        HandoffRegister register,
        NodeDirectory nodes,
        EventSink events,
        PropagationPolicy propagation,
        LinkArbiter arbiter,
        Tracer tracer,
        Clock clock) {

    WorkloadRuntime runtime(WorkloadId id) {
        WorkloadRuntime runtime = runtimes.get(id.kind());
        if (runtime == null) {
            throw DecampException.refused(
                    "unknown-kind",
                    "No runtime for " + id,
                    "This node knows " + String.join(", ", runtimes.keySet()));
        }
        return runtime;
    }

    long nowUnixMicros() {
        var now = clock.instant();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }
}
