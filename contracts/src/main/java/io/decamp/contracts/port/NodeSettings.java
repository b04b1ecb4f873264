package io.decamp.contracts.port;

import io.decamp.contracts.id.NodeId;
import java.nio.file.Path;
import java.util.List;

/**
 * What every engine of a node must know of the place it runs in. Two nodes on one machine share none of these.
 *
 * @param stateDirectory durable: what must survive a reboot (RELEASED marks, freeze records)
 * @param memoryDirectory on tmpfs: segments, in-flight sets, captured parts, replicas
 * @param cgroupPrefix path below each hierarchy's root under which this node makes cgroups, such as {@code /decamp/alpha}
 * @param criu command that runs CRIU 4.2 or newer, with leading arguments where a loader is needed
 * @param runc command that runs runc, with its {@code --root}
 */
public record NodeSettings(
        NodeId node,
        Path stateDirectory,
        Path memoryDirectory,
        String cgroupPrefix,
        List<String> criu,
        List<String> runc) {
    public NodeSettings {
        criu = List.copyOf(criu);
        runc = List.copyOf(runc);
    }
}
