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
    private static final ProcessIdentity NOBODY = new ProcessIdentity(0, 0);

    private final NodeId node;
    private final Path directory;

    public Bindings(NodeId node, Path stateDirectory) {
        this.node = node;
        this.directory = stateDirectory.resolve("bindings");
    }

    /**
     * The init, alive or a zombie: as bound, or, on the node of its birth and never bound there, the process that the id
     * names. An id that was bound in an earlier boot, or has left, names nobody: its PID may be another's by now.
     */
    public Optional<ProcessIdentity> find(WorkloadId id) {
        if (file(id).exists()) {
            return bound(id);
        }
        return isBornHere(id) ? ProcessIdentity.of(Integer.parseInt(id.name())) : Optional.empty();
    }

    /** The init, if it was bound to the id and is still there. */
    public Optional<ProcessIdentity> bound(WorkloadId id) {
        return file(id).read().map(Bindings::identity).filter(ProcessIdentity::isPresent);
    }

    /** Replaces an older binding. */
    public void bind(WorkloadId id, ProcessIdentity init) {
        file(id).write(Map.of("pid", Integer.toString(init.pid()), "start", Long.toString(init.startTicks())));
    }

    /** The id names nobody here until it is bound again. Idempotent. */
    public void unbind(WorkloadId id) {
        if (isBornHere(id)) {
            bind(id, NOBODY);
        } else {
            file(id).delete();
        }
    }

    private boolean isBornHere(WorkloadId id) {
        return id.value().endsWith("@" + node.value());
    }

    private StateFile file(WorkloadId id) {
        return new StateFile(directory.resolve(id.fileName()));
    }

    private static ProcessIdentity identity(Map<String, String> values) {
        return new ProcessIdentity(Integer.parseInt(values.get("pid")), Long.parseLong(values.get("start")));
    }
}
