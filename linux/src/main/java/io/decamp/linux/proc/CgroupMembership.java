package io.decamp.linux.proc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A line of /proc/PID/cgroup, cgroups(7): where a process is in one hierarchy.
 *
 * @param hierarchy 0 for cgroup v2
 * @param controllers empty for cgroup v2; {@code name=systemd} for a named v1 hierarchy
 * @param path below the mount of that hierarchy, starts with a slash
 */
public record CgroupMembership(int hierarchy, Set<String> controllers, String path) {
    public boolean isV2() {
        return hierarchy == 0 && controllers.isEmpty();
    }

    /** @return empty when the process is gone */
    public static Optional<List<CgroupMembership>> ofProcess(int pid) {
        return ProcFs.readIfPresent(pid, "cgroup").map(CgroupMembership::parse);
    }

    public static List<CgroupMembership> parse(String cgroup) {
        List<CgroupMembership> all = new ArrayList<>();
        for (String line : cgroup.split("\n")) {
            if (line.isEmpty()) {
                continue;
            }
            // The path may contain colons, the controllers can't.
            String[] parts = line.split(":", 3);
            if (parts.length != 3 || !parts[2].startsWith("/")) {
                throw new IllegalArgumentException("not a line of /proc/PID/cgroup: " + line);
            }
            Set<String> controllers = parts[1].isEmpty() ? Set.of() : Set.of(parts[1].split(","));
            all.add(new CgroupMembership(Integer.parseInt(parts[0]), controllers, parts[2]));
        }
        return all;
    }
}
