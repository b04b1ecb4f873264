package io.decamp.linux.proc;

import io.decamp.linux.abi.ProcessAbi;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What /proc/PID/status says, fs/proc/array.c proc_pid_status().
 *
 * @param state {@code R}, {@code S}, {@code D}, {@code T}, {@code t}, {@code Z}...
 * @param threadGroup the process that a thread belongs to
 * @param parent 0 when it is outside our PID namespace
 * @param tracer 0 for none
 * @param namespacePids its PID in each namespace, ours first, its own last
 * @param threads 0 for a zombie
 * @param residentBytes of all kinds; 0 without memory
 * @param lockedBytes by mlock; 0 without memory
 * @param pendingSignals of the thread, bit 0 is signal 1
 * @param sharedPendingSignals of the process
 * @param seccompMode 0 off, 1 strict, 2 filter
 */
public record ProcessStatus(
        String name,
        char state,
        int threadGroup,
        int parent,
        int tracer,
        List<Integer> namespacePids,
        int threads,
        long residentBytes,
        long lockedBytes,
        long pendingSignals,
        long sharedPendingSignals,
        int seccompMode) {
    /** It dies when it next runs: a frozen process with this can't be let go. */
    public boolean isKillPending() {
        long kill = 1L << ProcessAbi.SIGKILL - 1;
        return ((pendingSignals | sharedPendingSignals) & kill) != 0;
    }

    public boolean isZombie() {
        return state == 'Z' || state == 'X';
    }

    /** The PID in the innermost namespace, which is the one in CRIU's image names. */
    public int innermostPid() {
        return namespacePids.getLast();
    }

    /** @return empty when it is gone */
    public static Optional<ProcessStatus> ofProcess(int pid) {
        return ProcFs.readIfPresent(pid, "status").map(ProcessStatus::parse);
    }

    public static ProcessStatus parse(String status) {
        Map<String, String> fields = new HashMap<>();
        for (String line : status.split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(line.substring(0, colon), line.substring(colon + 1).trim());
            }
        }
        return new ProcessStatus(
                field(fields, "Name"),
                field(fields, "State").charAt(0),
                Integer.parseInt(field(fields, "Tgid")),
                Integer.parseInt(field(fields, "PPid")),
                Integer.parseInt(field(fields, "TracerPid")),
                Arrays.stream(field(fields, "NSpid").split("\\s+")).map(Integer::valueOf).toList(),
                // A zombie's status has fewer lines: it has neither memory nor, once released, signals.
                Integer.parseInt(fields.getOrDefault("Threads", "0")),
                kibibytes(fields, "VmRSS"),
                kibibytes(fields, "VmLck"),
                Long.parseUnsignedLong(fields.getOrDefault("SigPnd", "0"), 16),
                Long.parseUnsignedLong(fields.getOrDefault("ShdPnd", "0"), 16),
                Integer.parseInt(fields.getOrDefault("Seccomp", "0")));
    }

    private static String field(Map<String, String> fields, String name) {
        String value = fields.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("no " + name + " in a /proc/PID/status with " + fields.keySet());
        }
        return value;
    }

    private static long kibibytes(Map<String, String> fields, String name) {
        String value = fields.get(name);
        if (value == null) {
            return 0;
        }
        if (!value.endsWith(" kB")) {
            throw new IllegalArgumentException(name + " is not in kB: " + value);
        }
        return Long.parseLong(value.substring(0, value.length() - 3)) << 10;
    }
}
