package io.decamp.node;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.port.WorkloadRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Evicts a process of the node's own from the node to itself, up to the point where a copy would be released, and takes it
 * all back. Shows at the start that this node can evict and receive (CRIU, cgroups, userfaultfd, TLS, tmpfs, the register),
 * rather than in the hour of need; and has everything loaded that a frozen workload would otherwise wait for. Not thread
 * safe.
 *
 * @param copies what the copy is prepared by, in turn: with its memory read at once, and served on demand
 */
record Rehearsal(
        NodeSettings settings,
        String dataAddress,
        WorkloadRuntime runtime,
        List<CopyRuntime> copies,
        MemorySource memory,
        PageTransport transport,
        Replicas replicas,
        HandoffRegister register,
        LongSupplier clockMillis) {
    private static final Logger LOG = Logger.getLogger(Rehearsal.class);
    private static final Duration REGISTER_LIMIT = Duration.ofSeconds(10);
    private static final Duration START_LIMIT = Duration.ofSeconds(10);
    private static final int LIVE_EPOCH = 1;
    private static final int FINAL_EPOCH = 2;

    /** @return how long it took, in milliseconds */
    long run() {
        long start = System.nanoTime();
        removeLeftovers();
        for (CopyRuntime copy : copies) {
            once(copy);
        }
        return (System.nanoTime() - start) / 1_000_000;
    }

    private void once(CopyRuntime copy) {
        NodeId self = settings.node();
        Process launcher = null;
        try {
            launcher = new ProcessBuilder("unshare", "--pid", "--fork", "setsid", "sleep", "infinity")
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(Path.of("/dev/null").toFile())
                    .redirectError(Path.of("/dev/null").toFile())
                    .directory(Path.of("/").toFile())
                    .start();
            WorkloadId id = WorkloadId.of("pid:" + initOf(launcher), self);
            Files.createDirectories(mark().getParent());
            Files.writeString(mark(), id.value());
            register.append(id, HandoffRecords.claim(id, register.current(id), self), REGISTER_LIMIT);
            move(id, copy);
        } catch (IOException e) {
            throw DecampException.abort(
                    "rehearsal", "Cannot rehearse an eviction: " + e.getMessage(), "Is util-linux installed?", e);
        } finally {
            removeLeftovers();
            if (launcher != null) {
                launcher.destroyForcibly();
            }
        }
    }

    private void move(WorkloadId id, CopyRuntime copy) throws IOException {
        long generation = clockMillis.getAsLong();
        var target = new PageTransport.Target(settings.node(), settings.node(), dataAddress, 0);
        memory.track(id, generation);
        try (PageTransport.Session session = transport.open(id, generation, target)) {
            ship(id, session, LIVE_EPOCH, MemorySource.Tasks.RUNNING);
            session.seal(LIVE_EPOCH, false, memory.track(id, generation).spaces());
            memory.sealed(id, LIVE_EPOCH);
            Path parts = Files.createDirectories(settings.memoryDirectory().resolve("parts/rehearsal"));
            WorkloadRuntime.Frozen frozen = runtime.freeze(id, "rehearsal", parts, () -> {});
            MemorySource.Scan last = ship(id, session, FINAL_EPOCH, MemorySource.Tasks.HELD);
            for (WorkloadRuntime.Part part : frozen.parts()) {
                session.sendPart(FINAL_EPOCH, part.name(), part.file());
            }
            session.seal(FINAL_EPOCH, true, last.spaces());
            SealedReplica replica = replicas.sealed(id, generation).orElseThrow();
            copy.prepare(id, replica, null);
            copy.destroy(id);
            replicas.drop(id, generation);
        }
    }

    private MemorySource.Scan ship(WorkloadId id, PageTransport.Session session, int epoch, MemorySource.Tasks tasks) {
        session.begin(epoch);
        MemorySource.Scan scan = memory.scan(id, epoch, tasks);
        try (Segment segment = memory.read(id, epoch, scan.written())) {
            session.send(epoch, segment);
        }
        return scan;
    }

    /** Of this run, and of one that a kill of the service cut off. */
    private void removeLeftovers() {
        if (!Files.exists(mark())) {
            return;
        }
        try {
            WorkloadId id = new WorkloadId(Files.readString(mark()).strip());
            for (CopyRuntime copy : copies) {
                quietly(() -> copy.destroy(id));
            }
            quietly(() -> runtime.kill(id));
            quietly(() -> memory.untrack(id));
            quietly(() -> end(id));
            Files.deleteIfExists(mark());
        } catch (IOException e) {
            LOG.warnf("What a rehearsal left behind can't be removed: %s", e.toString());
        }
    }

    private void end(WorkloadId id) {
        if (register.current(id) instanceof HandoffState.Owned owned && owned.node().equals(settings.node())) {
            register.append(id, HandoffRecords.ended(id, owned, settings.node(), "rehearsal"), REGISTER_LIMIT);
        }
    }

    private static void quietly(Runnable step) {
        try {
            step.run();
        } catch (DecampException e) {
            LOG.debugf("After a rehearsal: %s", e.getMessage());
        }
    }

    private Path mark() {
        return settings.memoryDirectory().resolve("rehearsal");
    }

    /** {@code unshare} has one child, the init of the new namespace. */
    private static long initOf(Process launcher) {
        long limit = System.nanoTime() + START_LIMIT.toNanos();
        while (System.nanoTime() < limit && launcher.isAlive()) {
            var child = launcher.children().findFirst();
            if (child.isPresent() && isSleep(child.get())) {
                return child.get().pid();
            }
            pause(launcher);
        }
        throw DecampException.abort(
                "rehearsal", "A process in a PID namespace of its own did not start", "Is util-linux installed?", null);
    }

    /** Not before the program is in place: what is frozen in the middle of an exec is nobody's workload. */
    private static boolean isSleep(ProcessHandle process) {
        return process.info().command().filter(c -> c.endsWith("/sleep")).isPresent();
    }

    private static void pause(Process launcher) {
        try {
            launcher.waitFor(1, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DecampException.retry("interrupted", "The rehearsal was interrupted", "It runs at the next start", e);
        }
    }
}
