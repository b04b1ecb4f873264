package io.decamp.cli.bench;

import io.decamp.testkit.Command;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processor does what. What is measured must not share one with what measures it, nor with the nodes, brokers and
 * command lines of the lab, which on real machines are elsewhere.
 */
record Pinning(boolean split) {
    private static final String SUBJECT = "0";
    private static final String OTHERS = "1";
    /** Ahead of the nodes, which share its processor; behind nothing that the kernel needs. */
    private static final List<String> FIRST = List.of("chrt", "--fifo", "1");

    /** Two processors are enough for it. */
    static Pinning of(String name) {
        return new Pinning(name.equals("split") && Runtime.getRuntime().availableProcessors() >= 2);
    }

    /** Command that runs what is measured. */
    List<String> subject() {
        return split ? List.of("taskset", "--cpu-list", SUBJECT) : List.of();
    }

    /** Command that runs a client of it. */
    List<String> client() {
        return split ? join(FIRST, List.of("taskset", "--cpu-list", OTHERS)) : List.of();
    }

    /** Sends this process and all that it has started so far, and all their threads, where they do not disturb. */
    void moveOthers() {
        if (!split) {
            return;
        }
        List<Long> pids = new ArrayList<>(List.of(ProcessHandle.current().pid()));
        ProcessHandle.current().descendants().forEach(p -> pids.add(p.pid()));
        for (long pid : pids) {
            Command.Result result =
                    Command.run("taskset", "--all-tasks", "--cpu-list", "--pid", OTHERS, Long.toString(pid));
            if (ProcessHandle.of(pid).isPresent()) {
                result.check();
            }
        }
    }

    private static List<String> join(List<String> a, List<String> b) {
        List<String> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }

    @Override
    public String toString() {
        int processors = Runtime.getRuntime().availableProcessors();
        return split
                ? "processor " + SUBJECT + " of " + processors + " is the workload's alone; clients run ahead of nodes"
                        + " and broker on processor " + OTHERS
                : "all share " + processors + " processors";
    }
}
