package io.decamp.cli.launch;

import io.decamp.linux.pid.PidFd;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.proc.ProcessStatus;
import io.decamp.linux.workload.StateFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What {@code ./decamp up} started and {@code down} stops: processes by PID and start time, in a file that is void after a
 * reboot, so that nobody else's process is ever taken for one of ours.
 */
final class RunRecord {
    /** Name of the broker's process; the services are called by their labels. */
    static final String BROKER = "broker";

    private static final String PROCESS = "process.";
    private static final String FACT = "fact.";
    private static final long SIGTERM = 15;
    private static final long SIGKILL = 9;

    private final StateFile file;
    private final Map<String, String> values;

    private RunRecord(StateFile file, Map<String, String> values) {
        this.file = file;
        this.values = values;
    }

    /** Empty when nothing was started here since the last boot. */
    static RunRecord open(Path stateDirectory) {
        StateFile file = new StateFile(stateDirectory.resolve("run/up"));
        return new RunRecord(file, new TreeMap<>(file.read().orElseGet(Map::of)));
    }

    /** Written at once: what was started is found again whatever happens next. */
    void started(String name, int pid) {
        ProcessIdentity.of(pid).ifPresent(p -> values.put(PROCESS + name, p.pid() + " " + p.startTicks()));
        file.write(values);
    }

    void fact(String name, String value) {
        values.put(FACT + name, value);
    }

    String fact(String name) {
        return values.getOrDefault(FACT + name, "");
    }

    /** The process that was started by this name, while it is there. */
    Optional<ProcessIdentity> running(String name) {
        String text = values.get(PROCESS + name);
        if (text == null) {
            return Optional.empty();
        }
        String[] word = text.split(" ");
        return Optional.of(new ProcessIdentity(Integer.parseInt(word[0]), Long.parseLong(word[1])))
                .filter(ProcessIdentity::isPresent)
                .filter(RunRecord::runs);
    }

    /** What was killed may wait long for its parent to notice. */
    private static boolean runs(ProcessIdentity process) {
        return ProcessStatus.ofProcess(process.pid()).filter(s -> !s.isZombie()).isPresent();
    }

    /** All that are there, by name. */
    Map<String, ProcessIdentity> running() {
        Map<String, ProcessIdentity> all = new LinkedHashMap<>();
        for (String key : values.keySet()) {
            if (key.startsWith(PROCESS)) {
                String name = key.substring(PROCESS.length());
                running(name).ifPresent(p -> all.put(name, p));
            }
        }
        return all;
    }

    /**
     * Asks the process of this name to end and waits for it; kills it when that takes too long.
     *
     * @return false when it had to be killed
     */
    boolean stop(String name, Duration limit) {
        Optional<PidFd> held = running(name).flatMap(p -> PidFd.find(p.pid()));
        if (held.isEmpty()) {
            return true;
        }
        try (PidFd process = held.get()) {
            // held first, looked at again: the number can't have changed hands in between
            if (running(name).isEmpty()) {
                return true;
            }
            process.signal(SIGTERM);
            if (process.awaitExit(limit)) {
                return true;
            }
            process.signal(SIGKILL);
            process.awaitExit(limit);
            return false;
        }
    }

    void delete() {
        values.clear();
        file.delete();
    }
}
