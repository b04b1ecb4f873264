package io.decamp.introspector.engine.memory;

import io.decamp.testkit.Await;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Victims;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The {@code shapeshifter} victim as the init of a PID namespace of its own, as one object that takes orders. */
final class Shapeshifter implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int PAGE = 4096;

    private final Process launcher;
    private final PrintWriter orders;
    private final BufferedReader answers;
    private final int pid;

    private Shapeshifter(Process launcher) {
        this.launcher = launcher;
        orders = new PrintWriter(launcher.getOutputStream(), true, StandardCharsets.US_ASCII);
        answers = new BufferedReader(new InputStreamReader(launcher.getInputStream(), StandardCharsets.US_ASCII));
        answer();
        pid = (int) launcher.children().findFirst().orElseThrow().pid();
    }

    static Shapeshifter start() {
        try {
            return new Shapeshifter(new ProcessBuilder(
                            "unshare",
                            "--fork",
                            "--pid",
                            "--kill-child",
                            Victims.compiled("shapeshifter").toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether pages that are read before they are written are one page for all: a kernel may be told to give each a frame
     * of its own, which no scan can tell from one that was written.
     */
    boolean zeroPageIsShared() {
        long at = tell("map %d", 2 * PAGE);
        tell("touch %x %d", at, 2 * PAGE);
        return frame(at) == frame(at + PAGE);
    }

    /** Bits 0 to 54 of an entry of proc_pid_pagemap(5). */
    private long frame(long address) {
        try (RandomAccessFile pagemap = new RandomAccessFile("/proc/" + pid + "/pagemap", "r")) {
            pagemap.seek(address / PAGE * Long.BYTES);
            return Long.reverseBytes(pagemap.readLong()) & (1L << 55) - 1;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** PID on this host of the init of its namespace. */
    int pid() {
        return pid;
    }

    /** Gives an order and waits for the answer. */
    long tell(String format, Object... arguments) {
        begin(format, arguments);
        return answer();
    }

    /** Gives an order whose answer comes later, by {@link #answer}. */
    void begin(String format, Object... arguments) {
        orders.printf(format + "%n", arguments);
        orders.flush();
    }

    boolean answered() {
        try {
            return answers.ready();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long answer() {
        try {
            String line = answers.readLine();
            if (line == null) {
                throw new AssertionError("The victim has ended");
            }
            return Long.parseUnsignedLong(line, 16);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every process of the namespace. */
    List<Long> pids() {
        return ProcessHandle.of(pid).stream()
                .flatMap(init -> Stream.concat(Stream.of(init), init.descendants()))
                .map(ProcessHandle::pid)
                .filter(Procs::alive)
                .toList();
    }

    /** Stops every process; returns when no instruction of them runs. */
    void stop() {
        signal("STOP");
        Await.until("the victim to stop", LIMIT, () -> {
            signal("STOP");
            return pids().stream()
                    .allMatch(each -> Procs.state(each).filter("T"::equals).isPresent());
        });
    }

    void resume() {
        signal("CONT");
    }

    private void signal(String name) {
        for (long each : pids()) {
            try {
                new ProcessBuilder("kill", "-" + name, Long.toString(each))
                        .start()
                        .waitFor();
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void close() {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        launcher.destroyForcibly();
        Await.until("the end of the victim", LIMIT, () -> !Procs.alive(pid));
    }
}
