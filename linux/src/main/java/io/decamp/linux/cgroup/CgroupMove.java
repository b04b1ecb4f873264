package io.decamp.linux.cgroup;

import io.decamp.linux.proc.PidNamespace;

/** Gathers the processes of a PID namespace in one cgroup. */
public final class CgroupMove {
    /** Rounds until none is left outside: each one halves nothing in theory, and two suffice in practice. */
    private static final int MAX_ROUNDS = 100;

    private CgroupMove() {}

    /**
     * Moves every process to {@code target}. A process that is forked meanwhile starts in the cgroup of its parent, so it
     * is outside only if its parent was: it is found in the next round.
     */
    public static void all(PidNamespace tasks, FreezerCgroup target, FreezerHierarchy hierarchy) {
        for (int round = 0; round < MAX_ROUNDS; round++) {
            boolean moved = false;
            for (int pid : tasks.processes()) {
                String path = hierarchy.of(pid).map(FreezerCgroup::path).orElse(target.path());
                moved |= !path.equals(target.path()) && target.add(pid);
            }
            if (!moved) {
                return;
            }
        }
        throw new IllegalStateException(
                "processes of " + tasks + " still appear outside " + target + " after " + MAX_ROUNDS + " rounds");
    }
}
