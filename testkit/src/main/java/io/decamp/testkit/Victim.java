package io.decamp.testkit;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.spawn.SpawnRequest;
import io.decamp.linux.spawn.SpawnedProcess;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * A running victim that answers commands, line by line. Killed and reaped when closed; it ends by itself with its
 * stdin,
 * should this JVM be killed. Traceable, unlike a {@link Process}.
 */
public final class Victim implements AutoCloseable {
    private static final int ANSWER_MILLIS_MAX = 20_000;

    private final SpawnedProcess process;
    private final FileDescriptor commands;
    private final FileDescriptor answers;
    private int pid;

    private Victim(SpawnedProcess process, FileDescriptor commands, FileDescriptor answers) {
        this.process = process;
        this.commands = commands;
        this.answers = answers;
    }

    /** Starts {@code victims/commander.c}, which does what it is told. */
    public static Victim commander() {
        return start(Victims.compiled("commander"));
    }

    /** Starts it and waits until it is ready. */
    public static Victim start(Path program, String... arguments) {
        int[] toVictim = FileCalls.pipe();
        int[] fromVictim = FileCalls.pipe();
        FileDescriptor commands = FileDescriptor.own(toVictim[1], "commands of a victim");
        FileDescriptor answers = FileDescriptor.own(fromVictim[0], "answers of a victim");
        Victim victim;
        try (FileDescriptor stdin = FileDescriptor.own(toVictim[0], "stdin of a victim");
                FileDescriptor stdout = FileDescriptor.own(fromVictim[1], "stdout of a victim")) {
            SpawnRequest request = SpawnRequest.of(program, arguments)
                    .withEnvironment(Map.of())
                    .withDescriptor(0, stdin)
                    .withDescriptor(1, stdout);
            victim = new Victim(SpawnedProcess.start(request), commands, answers);
        } catch (RuntimeException e) {
            commands.close();
            answers.close();
            throw e;
        }
        try {
            String ready = victim.answer();
            if (!ready.startsWith("ready")) {
                throw new IllegalStateException("victim says " + ready);
            }
            victim.pid = victim.process.pid();
            return victim;
        } catch (RuntimeException e) {
            victim.close();
            throw e;
        }
    }

    /** The process that listens now: another one after the command {@code fork}. */
    public int pid() {
        return pid;
    }

    public SpawnedProcess process() {
        return process;
    }

    /** Sends a command and waits for its answer. */
    public String tell(String command) {
        send(command);
        return answer();
    }

    public long number(String command) {
        return Long.parseUnsignedLong(tell(command));
    }

    public long address(String command) {
        long address = Long.parseUnsignedLong(tell(command), 16);
        if (address == 0) {
            throw new IllegalStateException("victim could not " + command);
        }
        return address;
    }

    /** Lets it fork; from now on the child answers. @return the child's PID */
    public int fork() {
        pid = (int) number("fork");
        return pid;
    }

    public void send(String command) {
        byte[] line = (command + "\n").getBytes(StandardCharsets.US_ASCII);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, line);
            long put = FileCalls.write(commands.number(), bytes.address(), line.length);
            if (put != line.length) {
                throw new IllegalStateException("victim does not take " + command + ": " + put);
            }
        }
    }

    /** @throws IllegalStateException when there is none in time, or the victim has ended */
    public String answer() {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(1);
            while (true) {
                if (FileCalls.poll(answers.number(), FileAbi.POLLIN, ANSWER_MILLIS_MAX) == 0) {
                    throw new IllegalStateException("victim does not answer; so far: " + line);
                }
                if (FileCalls.read(answers.number(), one.address(), 1) != 1) {
                    throw new IllegalStateException("victim has ended: " + process.awaitExit(Duration.ofSeconds(1)));
                }
                byte next = one.get(ValueLayout.JAVA_BYTE, 0);
                if (next == '\n') {
                    return line.toString(StandardCharsets.US_ASCII);
                }
                line.write(next);
            }
        }
    }

    @Override
    public void close() {
        commands.close();
        answers.close();
        process.kill();
        process.close();
    }
}
