package io.decamp.transfer.engine.send;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.transfer.engine.encode.SentVersions;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Keeps what was sent between two sessions of the same generation: after a break the next session goes on from it. Thread
 * safe.
 */
final class SentMemory {
    /** Workloads without a session that are remembered. */
    private static final int MAX_IDLE = 4;

    /** A session that does not come back within this time begins anew; so much memory for so little is not kept longer. */
    private static final Duration MAX_IDLE_TIME = Duration.ofMinutes(10);

    private record Key(WorkloadId workload, NodeId destination) {}

    private record Idle(SentVersions versions, long sinceNanos) {}

    private final long baseBytes;
    private final LongSupplier nanoClock;
    private final Map<Key, Idle> idle = new LinkedHashMap<>();
    private final Map<NodeId, Long> rates = new HashMap<>();
    private final Set<NodeId> plainOnly = new HashSet<>();

    SentMemory(long baseBytes, LongSupplier nanoClock) {
        this.baseBytes = baseBytes;
        this.nanoClock = nanoClock;
    }

    /** What is remembered of a generation, or nothing yet; the caller's until it is given back. */
    synchronized SentVersions take(WorkloadId workload, NodeId destination, long generation) {
        dropOld();
        Idle found = idle.remove(new Key(workload, destination));
        if (found != null) {
            if (found.versions.generation() == generation) {
                return found.versions;
            }
            found.versions.close();
        }
        return new SentVersions(generation, baseBytes);
    }

    synchronized void giveBack(WorkloadId workload, NodeId destination, SentVersions versions) {
        Idle before = idle.put(new Key(workload, destination), new Idle(versions, nanoClock.getAsLong()));
        if (before != null) {
            before.versions.close();
        }
        dropOld();
    }

    private void dropOld() {
        long now = nanoClock.getAsLong();
        Iterator<Idle> oldestFirst = idle.values().iterator();
        int left = idle.size();
        while (oldestFirst.hasNext()) {
            Idle next = oldestFirst.next();
            if (left > MAX_IDLE || now - next.sinceNanos > MAX_IDLE_TIME.toNanos()) {
                next.versions.close();
                oldestFirst.remove();
                left--;
            }
        }
    }

    /** A node could not decode what was sent: until this process ends, it gets pages as bytes. */
    synchronized void sendPlain(NodeId destination) {
        plainOnly.add(destination);
    }

    /** The version to speak to a node first. */
    synchronized int version(NodeId destination) {
        return plainOnly.contains(destination) ? FrameDescriptor.OLDEST_VERSION : FrameDescriptor.VERSION;
    }

    /** What the way to a node gave last; 0 when that is not known. */
    synchronized long rate(NodeId destination) {
        return rates.getOrDefault(destination, 0L);
    }

    synchronized void learnt(NodeId destination, long bytesPerSecond) {
        if (bytesPerSecond > 0) {
            rates.put(destination, bytesPerSecond);
        }
    }
}
