package io.decamp.linux.workload;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Which process of which VM is a {@code vm:} workload's init on this node: its id keeps VM and PID of its birth, and
 * every move gives it others. Shared by the source and the destination side of a node. Thread safe for different
 * workloads.
 */
public final class VmBindings {
    private static final GuestProcess NOBODY = new GuestProcess("", "", 0, 0);

    private final NodeId node;
    private final Path directory;

    public VmBindings(NodeId node, Path stateDirectory) {
        this.node = node;
        this.directory = stateDirectory.resolve("vm-bindings");
    }

    /**
     * The process that was bound to the id last. Whether it still is there, only its guest can tell: compare boot id
     * and start time. Empty for one that was never bound here, or has left.
     */
    public Optional<GuestProcess> bound(WorkloadId id) {
        return file(id).read().map(VmBindings::process).filter(process -> !process.equals(NOBODY));
    }

    /**
     * True when the id may be taken literally: its own VM and PID, on the node of its birth, and nobody was ever bound
     * to it. An id that has left names nobody, as its PID may be another's by now.
     */
    public boolean isUnbound(WorkloadId id) {
        return id.value().endsWith("@" + node.value()) && !file(id).exists();
    }

    /** Replaces an older binding. */
    public void bind(WorkloadId id, GuestProcess init) {
        file(id).write(Map.of(
                "vm", init.vm(),
                "guest-boot", init.bootId(),
                "pid", Integer.toString(init.pid()),
                "start", Long.toString(init.startTicks())));
    }

    /** The id names nobody here until it is bound again. Idempotent. */
    public void unbind(WorkloadId id) {
        if (id.value().endsWith("@" + node.value())) {
            bind(id, NOBODY);
        } else {
            file(id).delete();
        }
    }

    private StateFile file(WorkloadId id) {
        return new StateFile(directory.resolve(id.fileName()));
    }

    private static GuestProcess process(Map<String, String> values) {
        return new GuestProcess(
                values.get("vm"),
                values.get("guest-boot"),
                Integer.parseInt(values.get("pid")),
                Long.parseLong(values.get("start")));
    }
}
