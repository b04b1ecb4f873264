package io.decamp.linux.spawn;

import io.decamp.linux.abi.ProcessAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.pid.PidFd;
import io.decamp.linux.pid.ProcessIdentity;
import io.decamp.linux.proc.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A process that does nothing but hold descriptors whose last close would do harm: a tracking userfaultfd (its pages
 * would all have to be shipped again), a page-fault one (its process would go on with zero pages). It outlives the
 * service, and the next one fetches them by number. Write {@link #record} down before relying on it.
 *
 * <p>It stays in the cgroup of the service: a service manager must not be told to end the whole cgroup. Thread safe.
 */
public final class Keeper implements AutoCloseable {
    /**
     * What a successor needs to find it.
     *
     * @param numbers the descriptors it holds
     */
    public record Record(int pid, long startTicks, Set<Integer> numbers) {}

    /** Its argv[0], so that a person sees in a process list what it is. */
    public static final String NAME = "decamp-keeper";

    private static final String OOM_NEVER = "-1000";
    private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
    private static final int FIRST_FREE = 3;

    private final Record record;
    private final PidFd process;
    private final SpawnedProcess child;
    private final boolean safeFromOom;

    private Keeper(Record record, PidFd process, SpawnedProcess child, boolean safeFromOom) {
        this.record = record;
        this.process = process;
        this.child = child;
        this.safeFromOom = safeFromOom;
    }

    /** @param held number there (3 or more) to descriptor here; ours stay ours and may be closed afterwards */
    public static Keeper start(Map<Integer, FileDescriptor> held) {
        SpawnRequest request = Idle.request(NAME);
        for (Map.Entry<Integer, FileDescriptor> one : held.entrySet()) {
            if (one.getKey() < FIRST_FREE) {
                throw new IllegalArgumentException(
                        "a keeper holds numbers from " + FIRST_FREE + " on: " + one.getKey());
            }
            request = request.withDescriptor(one.getKey(), one.getValue());
        }
        SpawnedProcess child = SpawnedProcess.start(request);
        try {
            ProcessIdentity identity = ProcessIdentity.of(child.pid())
                    .orElseThrow(() -> new IllegalStateException("a child that was not reaped is in /proc"));
            Record record = new Record(child.pid(), identity.startTicks(), Set.copyOf(new TreeSet<>(held.keySet())));
            return new Keeper(record, child.pidFd(), child, protectFromOom(child.pid()));
        } catch (RuntimeException e) {
            child.kill();
            child.close();
            throw e;
        }
    }

    /** @return the keeper that an earlier service started; empty when it has ended, and with it what it held */
    public static Optional<Keeper> find(Record record) {
        Optional<PidFd> process = PidFd.find(record.pid());
        if (process.isEmpty()) {
            return Optional.empty();
        }
        ProcessIdentity expected = new ProcessIdentity(record.pid(), record.startTicks());
        if (!expected.isPresent() || process.get().hasExited()) {
            process.get().close();
            return Optional.empty();
        }
        return Optional.of(new Keeper(record, process.get(), null, protectFromOom(record.pid())));
    }

    public Record record() {
        return record;
    }

    public boolean isAlive() {
        return !process.hasExited();
    }

    /** False when the kernel may choose it under memory pressure, as we may not forbid it (CAP_SYS_RESOURCE). */
    public boolean isSafeFromOom() {
        return safeFromOom;
    }

    /** @return our own descriptor of what it holds under that number */
    public FileDescriptor fetch(int number) {
        if (!record.numbers().contains(number)) {
            throw new IllegalArgumentException(
                    "keeper " + record.pid() + " holds " + record.numbers() + ", not " + number);
        }
        return process.take(number);
    }

    /** Ends it: what nobody else holds is closed by that. Idempotent. */
    public void stop() {
        if (child != null) {
            child.kill();
        } else if (process.signal(ProcessAbi.SIGKILL) && !process.awaitExit(STOP_LIMIT)) {
            throw new IllegalStateException(
                    "keeper " + record.pid() + " did not end within " + STOP_LIMIT + " of SIGKILL");
        }
    }

    /** Gives up the handle; it goes on holding. */
    @Override
    public void close() {
        process.close();
    }

    private static boolean protectFromOom(int pid) {
        Path file = ProcFs.path(pid, "oom_score_adj");
        try {
            Files.writeString(file, OOM_NEVER);
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
