package io.decamp.linux.pid;

import io.decamp.linux.proc.ProcFs;
import java.util.Optional;

/**
 * A process by number and birth, fit to be written down: a reused PID has another start time.
 *
 * @param startTicks field 22 of /proc/PID/stat: clock ticks between the boot and its start
 */
public record ProcessIdentity(int pid, long startTicks) {
    /** @return empty when there is no such process */
    public static Optional<ProcessIdentity> of(int pid) {
        return ProcFs.readIfPresent(pid, "stat").map(stat -> new ProcessIdentity(pid, parseStartTicks(stat)));
    }

    /** True when the process with this number is still the same one, zombies included. */
    public boolean isPresent() {
        return of(pid).filter(this::equals).isPresent();
    }

    /** @param stat the content of /proc/PID/stat; its second field may contain spaces and parentheses */
    static long parseStartTicks(String stat) {
        int commandEnd = stat.lastIndexOf(')');
        String[] rest = stat.substring(commandEnd + 1).trim().split(" ");
        int startTimeAfterCommand = 22 - 3;
        if (commandEnd < 0 || rest.length <= startTimeAfterCommand) {
            throw new IllegalArgumentException("not the content of a /proc/PID/stat: " + stat);
        }
        return Long.parseLong(rest[startTimeAfterCommand]);
    }
}
