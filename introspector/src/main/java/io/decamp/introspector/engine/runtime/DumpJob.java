package io.decamp.introspector.engine.runtime;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.command.CriuLog;
import io.decamp.linux.command.GateScript;
import io.decamp.linux.command.JobDirectory;
import io.decamp.linux.command.JobProcesses;
import io.decamp.linux.command.ShortCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One criu dump that holds at its gate. All of its state is in two directories, so that another service can go on
 * with it:
 * {@code run/held} (written by the gate), {@code run/ended} (written by us), {@code run/verdict} (a FIFO that the gate
 * reads), {@code run/dump.log}, and the images.
 */
record DumpJob(Path images, Path run) {
    /**
     * Given to criu as the address for its page server, so that it can't open one: after the gate, a lazy dump would
     * wait
     * there for any connection and kill the workload at its end. As the address is refused, every way past the gate
     * resumes the workload.
     */
    static final String NO_PAGE_SERVER = "no-page-server";

    /** From the start of criu to the gate. criu itself gives up after 10 s of seizing; 1 GiB takes 0.1 s to hold. */
    static final Duration GATE_LIMIT = Duration.ofSeconds(60);

    /** From the verdict to the end of criu: it has to let go of the tasks and to close its pipes. */
    static final Duration END_LIMIT = Duration.ofSeconds(10);

    /** Empties both directories and makes the FIFO. */
    void create() {
        JobDirectory.create(images);
        JobDirectory.create(run);
        ShortCommand.check(List.of("mkfifo", "-m", "600", verdict().toString()));
    }

    Path log() {
        return run.resolve("dump.log");
    }

    /** Output of the command itself, which is not its log. */
    Path output() {
        return run.resolve("command.out");
    }

    Map<String, String> environment() {
        return Map.of(GateScript.RUN_VARIABLE, run.toString());
    }

    JobProcesses processes() {
        return new JobProcesses(run);
    }

    /** The images are complete and the gate waits; stays true when criu is gone afterwards. */
    boolean isHeld() {
        return Files.exists(run.resolve("held"));
    }

    boolean hasEnded() {
        return Files.exists(run.resolve("ended"));
    }

    /** True once criu writes images, which it does only when all tasks are seized. */
    boolean hasImages() {
        try (Stream<Path> files = Files.list(images)) {
            return files.findAny().isPresent();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void markEnded() {
        try {
            Files.createFile(run.resolve("ended"));
        } catch (IOException e) {
            throw new UncheckedIOException("Can't note the end of the dump in " + run, e);
        }
    }

    /** Tells the gate to let the dump fail, which resumes the tasks. Never blocks, also when nobody listens. */
    void abort() {
        try (var fifo = Files.newByteChannel(verdict(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            fifo.write(StandardCharsets.US_ASCII.encode("abort\n"));
            // the gate must have read it before our end, which may be the only one, is closed
            processes().awaitEnd(END_LIMIT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SIGKILL. Only when held: before, criu's code runs inside the tasks and they would not survive its end. */
    void kill() {
        processes().kill(END_LIMIT);
    }

    DecampException failed() {
        return DecampException.abort(
                "criu-failed",
                "criu can't dump the workload: " + CriuLog.reason(log(), output()),
                "Remove what criu can't dump (decamp check tells), or leave the workload where it is; it runs on",
                null);
    }

    void remove() {
        JobDirectory.remove(run);
    }

    private Path verdict() {
        return run.resolve("verdict");
    }
}
