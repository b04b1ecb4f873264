package io.decamp.linux.workload;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Which process is a {@code pid:} workload's init on this node: its id keeps the PID of its birth, and every move
 * gives it
 * another. Shared by the source and the destination side of a node. Thread safe for different workloads.
 */
public final class Bindings {
    private final NodeId node;
    private final Path directory;

    public Bindings(NodeId node, Path stateDirectory) {
        this.node = node;
        this.directory = stateDirectory.resolve("bindings");
    }

    /**
     * The init, alive or a zombie: as bound, or, on the node of its birth and never bound there, the process that
     * the id
     * names.
     */
    public Optional<ProcessIdentity> find(WorkloadId id) {
        Optional<ProcessIdentity> bound = file(id).read().map(Bindings::identity);
        if (bound.isPresent()) {
            return bound.filter(ProcessIdentity::isPresent);
        }
        if (!id.value().endsWith("@" + node.value())) {
            return Optional.empty();
        }
        return ProcessIdentity.of(Integer.parseInt(id.name()));
    }

    /** Replaces an older binding. */
    public void bind(WorkloadId id, ProcessIdentity init) {
        file(id).write(Map.of("pid", Integer.toString(init.pid()), "start", Long.toString(init.startTicks())));
    }

    /** Idempotent. */
    public void unbind(WorkloadId id) {
        file(id).delete();
    }

    private StateFile file(WorkloadId id) {
        return new StateFile(directory.resolve(id.fileName()));
    }

    private static ProcessIdentity identity(Map<String, String> values) {
        return new ProcessIdentity(Integer.parseInt(values.get("pid")), Long.parseLong(values.get("start")));
    }
}
