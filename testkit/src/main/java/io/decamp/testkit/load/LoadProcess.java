package io.decamp.testkit.load;

import io.decamp.contracts.error.DecampException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A load generator that runs elsewhere ({@link Main}), and its commands. For one thread. */
public final class LoadProcess implements AutoCloseable {
    private static final int FIELDS = 7;

    private final Process process;
    private final Thread atExit;
    private final BufferedReader answers;
    private final PrintWriter commands;

    /**
     * What is asked, of whom.
     *
     * @param protocol redis or memcached
     * @param port on the loopback interface of where the generator runs
     * @param valueBytes a multiple of 8
     * @param setPercent requests of a hundred that write; the others read
     */
    public record Task(String protocol, int port, int connections, int keys, int valueBytes, int setPercent) {}

    /**
     * What a window has shown. Latencies in microseconds, from when a request was due to its answer.
     *
     * @param wrong values that were not what their key must hold, since the process began
     */
    public record Window(long answers, double seconds, double p50, double p99, double p999, double max, long wrong) {
        public double perSecond() {
            return answers / seconds;
        }
    }

    private LoadProcess(Process process) {
        this.process = process;
        this.answers = process.inputReader();
        this.commands = new PrintWriter(process.outputWriter(), true);
        this.atExit = new Thread(this::end, "end-of-load");
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** @param enter command that runs a command elsewhere: in a node, on a processor; empty for here */
    public static LoadProcess start(List<String> enter, Task task) {
        List<String> command = new ArrayList<>(enter);
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms128m",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                task.protocol()));
        for (int number :
                new int[] {task.port(), task.connections(), task.keys(), task.valueBytes(), task.setPercent()}) {
            command.add(Integer.toString(number));
        }
        try {
            LoadProcess started = new LoadProcess(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
            String first = started.answers.readLine();
            if (!"ready".equals(first)) {
                started.close();
                throw failed(first);
            }
            return started;
        } catch (IOException e) {
            throw DecampException.abort("load-failed", "Can't start " + command, "See the cause: " + e.getMessage(), e);
        }
    }

    /** Writes every key once. */
    public Window fill() {
        return ask("fill");
    }

    /** As many requests as are answered, one at a time on each connection. */
    public Window saturate(double seconds, long seed) {
        return ask(String.format(Locale.ROOT, "saturate %f %d", seconds, seed));
    }

    /** An open loop; the same seed asks the same at the same times. */
    public Window pace(double perSecond, double seconds, long seed) {
        return ask(String.format(Locale.ROOT, "pace %f %f %d", perSecond, seconds, seed));
    }

    private Window ask(String command) {
        commands.println(command);
        try {
            String line = answers.readLine();
            String[] word = line == null ? new String[0] : line.split(" ");
            if (word.length != FIELDS || line.startsWith("failed")) {
                throw failed(line);
            }
            double[] n = new double[FIELDS];
            for (int i = 0; i < FIELDS; i++) {
                n[i] = Double.parseDouble(word[i]);
            }
            return new Window((long) n[0], n[1], n[2], n[3], n[4], n[5], (long) n[6]);
        } catch (IOException e) {
            throw failed(e.getMessage());
        }
    }

    private static DecampException failed(String said) {
        return DecampException.abort("load-failed", "The load generator says: " + said, "Does the server run?", null);
    }

    private void end() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // the hook runs or has run; a dead process does not mind
        }
    }
}
