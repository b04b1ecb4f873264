package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.linux.pid.ProcessIdentity;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a service that was started anew must know of a freeze. How far the freeze has come is not in it: that is read
 * from
 * the kernel, which can't be wrong about it.
 *
 * @param parts directory of the images
 * @param run directory of the job: the gate's marks and logs
 * @param cgroup path of the second lock in the freezer hierarchy
 * @param formerCgroups where the processes were before they were moved to the second lock, by PID; empty when they were
 *     not moved
 * @param killing the commit has begun: there is no way back
 */
record FreezeRecord(
        WorkloadId id,
        String migration,
        Path parts,
        Path run,
        ProcessIdentity init,
        String cgroup,
        Map<Integer, String> formerCgroups,
        boolean killing) {
    private static final String FORMER = "former.";

    FreezeRecord {
        formerCgroups = Map.copyOf(formerCgroups);
    }

    FreezeRecord withKilling() {
        return new FreezeRecord(id, migration, parts, run, init, cgroup, formerCgroups, true);
    }

    /** Where a process belongs that was forked while the others were being moved: where the init was. */
    Optional<String> formerCgroup(int pid) {
        return Optional.ofNullable(formerCgroups.getOrDefault(pid, formerCgroups.get(init.pid())));
    }

    Map<String, String> toMap() {
        Map<String, String> map = new TreeMap<>(Map.of(
                "workload", id.value(),
                "migration", migration,
                "parts", parts.toString(),
                "run", run.toString(),
                "init", Integer.toString(init.pid()),
                "init.start", Long.toString(init.startTicks()),
                "cgroup", cgroup,
                "killing", Boolean.toString(killing)));
        formerCgroups.forEach((pid, path) -> map.put(FORMER + pid, path));
        return map;
    }

    static FreezeRecord of(Map<String, String> map) {
        Map<Integer, String> former = new TreeMap<>();
        map.forEach((key, value) -> {
            if (key.startsWith(FORMER)) {
                former.put(Integer.valueOf(key.substring(FORMER.length())), value);
            }
        });
        return new FreezeRecord(
                new WorkloadId(map.get("workload")),
                map.get("migration"),
                Path.of(map.get("parts")),
                Path.of(map.get("run")),
                new ProcessIdentity(Integer.parseInt(map.get("init")), Long.parseLong(map.get("init.start"))),
                map.get("cgroup"),
                former,
                Boolean.parseBoolean(map.get("killing")));
    }
}
