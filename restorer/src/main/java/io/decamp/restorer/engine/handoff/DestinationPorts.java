package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.WorkloadRuntime;
import io.opentelemetry.api.trace.Tracer;
import java.time.Clock;
import java.util.List;
import java.util.function.Function;

/**
 * Everything outside that the destination's half uses.
 *
 * @param originals the source side of this node: whether it still holds an original, and to kill what runs without a
 *     right
 * @param bootId of this boot of the node
 * @param hooks in order
 */
public record DestinationPorts(
        NodeId me,
        Function<WorkloadId, CopyRuntime> runtimes,
        Function<WorkloadId, WorkloadRuntime> originals,
        Replicas replicas,
        HandoffRegister register,
        EventSink events,
        CopyFiles files,
        List<ReleaseHook> hooks,
        String bootId,
        DestinationLimits limits,
        Tracer tracer,
        Clock clock) {
    public DestinationPorts {
        hooks = List.copyOf(hooks);
    }
}
