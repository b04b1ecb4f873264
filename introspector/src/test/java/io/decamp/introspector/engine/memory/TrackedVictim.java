package io.decamp.introspector.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.MemorySource;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import java.nio.file.Path;
import java.util.List;

/** A victim, the memory source that tracks it, and the replica that grows from what the source reports. */
final class TrackedVictim implements AutoCloseable {
    static final WorkloadId ID = new WorkloadId("pid:1@test");

    final Shapeshifter victim = Shapeshifter.start();
    final Path directory;
    final TestReplica replica = new TestReplica();
    WorkloadMemorySource source;
    long epoch;
    boolean stopped;

    TrackedVictim() {
        directory = Scratch.onTmpfs("decamp-memory-test");
        source = fresh();
    }

    /** A service as it starts over the same directory. */
    WorkloadMemorySource fresh() {
        return new WorkloadMemorySource(directory, id -> victim.pid());
    }

    /** What a kill -9 does to a service: nothing is closed, nothing is said. */
    void killService() {
        source = fresh();
    }

    TrackedVictim track() {
        source.track(ID, 1);
        return this;
    }

    /** One epoch while the victim runs. */
    MemorySource.Scan round() {
        return replica.epoch(source, ID, ++epoch, MemorySource.Tasks.RUNNING);
    }

    /** Stops the victim, takes the final delta and compares every page. */
    MemorySource.Scan verify() {
        victim.stop();
        try {
            MemorySource.Scan last = replica.epoch(source, ID, ++epoch, MemorySource.Tasks.HELD);
            List<String> wrong = replica.mismatches(victim.pids(), last);
            assertEquals(List.of(), wrong.subList(0, Math.min(wrong.size(), 10)), wrong.size() + " pages are wrong");
            assertTrue(replica.bytePages() > 0, "nothing was ever shipped");
            return last;
        } finally {
            victim.resume();
        }
    }

    @Override
    public void close() {
        try {
            source.untrack(ID);
        } finally {
            victim.close();
            source.close();
            Trees.delete(directory);
        }
    }
}
