package io.decamp.cli.bench;

import io.decamp.testkit.Command;
import java.util.List;

/**
 * Which processor does what. What is measured must not share one with what measures it, nor with the nodes, brokers and
 * command lines of the lab, which on real machines are elsewhere.
 *
 * @param split processors are told apart; otherwise all share all
 * @param ahead clients may go ahead of nodes, which not every container allows
 */
record Pinning(boolean split, boolean ahead) {
    private static final String SUBJECT = "0";
    private static final String OTHERS = "1";
    /** Ahead of the nodes, which share its processor; behind nothing that the kernel needs. */
    private static final List<String> FIRST = List.of("chrt", "--fifo", "1");

    /** Of the machine: what this process may use changes when it is moved. */
    private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

    /** Two processors are enough for it. */
    static Pinning of(String name) {
        boolean split = name.equals("split") && PROCESSORS >= 2;
        boolean ahead = Command.run(Command.join(FIRST, List.of("true"))).status() == 0;
        return new Pinning(split, split && ahead);
    }

    /** Command that runs what is measured. */
    List<String> subject() {
        return split ? List.of("taskset", "--cpu-list", SUBJECT) : List.of();
    }

    /** Command that runs a client of it. */
    List<String> client() {
        List<String> there = split ? List.of("taskset", "--cpu-list", OTHERS) : List.of();
        return ahead ? Command.join(FIRST, there) : there;
    }

    /**
     * Sends this process and all that it has started so far, with all their threads, where they do not disturb.
     *
     * @return closing it lets this process run anywhere again
     */
    Moved moveOthers() {
        if (!split) {
            return () -> {};
        }
        long self = ProcessHandle.current().pid();
        ProcessHandle.current().descendants().forEach(p -> send(p.pid(), OTHERS));
        send(self, OTHERS);
        return () -> send(self, "0-" + (PROCESSORS - 1));
    }

    /** To be undone by closing it. */
    interface Moved extends AutoCloseable {
        @Override
        void close();
    }

    private static void send(long pid, String processors) {
        List<String> command = List.of("taskset", "--all-tasks", "--cpu-list", "--pid", processors, Long.toString(pid));
        Command.Result result = Command.run(command);
        if (ProcessHandle.of(pid).isPresent()) {
            result.check();
        }
    }

    @Override
    public String toString() {
        return split
                ? "processor " + SUBJECT + " of " + PROCESSORS + " is the workload's alone; clients run "
                        + (ahead ? "ahead of" : "beside") + " nodes and broker on processor " + OTHERS
                : "all share " + PROCESSORS + " processors";
    }
}
