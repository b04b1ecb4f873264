package io.decamp.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * The log of a {@code chain} workload, by which it is known wherever it is moved to on this machine: the processes that
 * hold it are the workload.
 */
public final class ChainLog {
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private final Path file;
    private final int writers;

    ChainLog(Path file, int writers) {
        this.file = file;
        this.writers = writers;
    }

    public Path file() {
        return file;
    }

    /** Inits of all living copies, running or frozen, on whatever node of this machine. */
    public List<Long> inits() {
        return Procs.holding(file).stream()
                .filter(pid -> {
                    List<Long> pids = Procs.namespacePids(pid);
                    return pids.size() > 1 && pids.getLast() == 1 && Procs.alive(pid);
                })
                .toList();
    }

    /** The init of the one living copy. */
    public long init() {
        List<Long> inits = inits();
        if (inits.size() != 1) {
            throw new AssertionError("Expected one living copy that writes " + file + ", found inits " + inits);
        }
        return inits.getFirst();
    }

    public long lines() {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until the log has grown by {@code more} lines: the workload runs. */
    public void awaitLines(long more, Duration limit) {
        long wanted = lines() + more;
        Await.until(() -> more + " more lines in " + file, limit, () -> lines() >= wanted);
    }

    /** Every writer has filled its memory and written its first line. */
    public boolean begun() {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith("0 ")).count() >= writers;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Judges what is there so far. */
    public ChainOracle.Report judge() {
        return ChainOracle.judge(file);
    }

    /** Ends the one living copy by SIGTERM, which makes it check its whole memory, and judges all it ever did. */
    public ChainOracle.Report stopAndJudge() {
        long init = init();
        Procs.terminate(init);
        Await.until(() -> "the end of process " + init, STOP_LIMIT, () -> inits().isEmpty());
        return ChainOracle.judgeEnded(file);
    }

    /** Kills every copy there is, frozen or not. */
    void killAll() {
        for (long init : inits()) {
            Procs.killAndAwait(init);
        }
    }

    String tail() {
        try {
            String text = Files.readString(file);
            return text.substring(Math.max(0, text.length() - 400));
        } catch (IOException e) {
            return e.toString();
        }
    }
}
