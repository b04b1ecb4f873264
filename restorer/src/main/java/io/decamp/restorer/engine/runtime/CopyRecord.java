package io.decamp.restorer.engine.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a service that was started anew must know of a copy. Whether it is held is read from the kernel.
 *
 * @param directory of the images, the gate's mark and the logs
 * @param cgroup path of the copy's cgroup in the freezer hierarchy; empty until a container runtime has chosen it
 * @param lazy memory is served on demand
 * @param released the init that may run; null before its release begins
 * @param releasing its release has begun and is not over
 */
record CopyRecord(
        WorkloadId id, Path directory, String cgroup, boolean lazy, ProcessIdentity released, boolean releasing) {
    static CopyRecord made(WorkloadId id, Path directory, String cgroup, boolean lazy) {
        return new CopyRecord(id, directory, cgroup, lazy, null, false);
    }

    CopyRecord withReleasing(ProcessIdentity init, String itsCgroup) {
        return new CopyRecord(id, directory, itsCgroup, lazy, init, true);
    }

    CopyRecord withReleased() {
        return new CopyRecord(id, directory, cgroup, lazy, released, false);
    }

    Map<String, String> toMap() {
        Map<String, String> map = new TreeMap<>(Map.of(
                "workload", id.value(),
                "directory", directory.toString(),
                "cgroup", cgroup,
                "lazy", Boolean.toString(lazy)));
        if (released != null) {
            map.put("released", Integer.toString(released.pid()));
            map.put("released.start", Long.toString(released.startTicks()));
            map.put("releasing", Boolean.toString(releasing));
        }
        return map;
    }

    static CopyRecord of(Map<String, String> map) {
        ProcessIdentity released = Optional.ofNullable(map.get("released"))
                .map(pid -> new ProcessIdentity(Integer.parseInt(pid), Long.parseLong(map.get("released.start"))))
                .orElse(null);
        return new CopyRecord(
                new WorkloadId(map.get("workload")),
                Path.of(map.get("directory")),
                map.get("cgroup"),
                Boolean.parseBoolean(map.get("lazy")),
                released,
                Boolean.parseBoolean(map.get("releasing")));
    }
}
