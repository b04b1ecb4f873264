package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.Segment;
import io.decamp.linux.libc.SyscallException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The memory of workloads, on this host's kernel or inside VMs: what differs is behind {@link MemoryAccess}.
 *
 * <p>Everything that must outlive this service lies in {@code memoryDirectory} and with a keeper process for each
 * workload: a new object over the same directory goes on where a killed one stopped. What was in flight then counts
 * as broken, unless {@link #sealed} says otherwise before the next scan. One object a directory.
 *
 * <p>Thread safe between workloads; calls for one workload exclude each other.
 */
public final class WorkloadMemorySource implements MemorySource, AutoCloseable {
    /** Segments that exist at once: one being read, one being sent, one waiting, for a few workloads; 256 MiB. */
    public static final int SEGMENTS_LIMIT = 32;

    /** A sender that holds all segments for so long hangs. */
    private static final Duration SEGMENT_WAIT = Duration.ofSeconds(30);

    private final Path directory;
    private final Map<String, MemoryAccess> byKind;
    private final SegmentPool segments;
    private final Map<WorkloadId, Slot> slots = new ConcurrentHashMap<>();

    /** One workload's lock and, while it is tracked, its tracker. */
    private static final class Slot {
        private final PageReader reader = new PageReader();
        private WorkloadTracker tracker;
    }

    /** Of workloads that run on this host's kernel. @param memoryDirectory on tmpfs; of this node alone */
    public WorkloadMemorySource(Path memoryDirectory, WorkloadProcesses processes) {
        this(
                memoryDirectory,
                Map.of("pid", MemoryAccess.ofHost(processes), "runc", MemoryAccess.ofHost(processes)));
    }

    /**
     * @param memoryDirectory on tmpfs; of this node alone
     * @param byKind {@link WorkloadId#kind} to how its memory is got hold of
     */
    public WorkloadMemorySource(Path memoryDirectory, Map<String, MemoryAccess> byKind) {
        this.directory = memoryDirectory.resolve("tracking");
        this.byKind = Map.copyOf(byKind);
        this.segments = new SegmentPool(memoryDirectory.resolve("segments"), SEGMENTS_LIMIT, SEGMENT_WAIT);
    }

    @Override
    public Tracking track(WorkloadId workload, long generation) {
        return with(workload, slot -> {
            if (slot.tracker == null) {
                Path own = directory.resolve(workload.fileName());
                slot.tracker = WorkloadTracker.start(
                        workload.value(), own, kernels(workload, own), generation);
            } else {
                slot.tracker.generation(generation);
            }
            return slot.tracker.tracking();
        });
    }

    @Override
    public Scan scan(WorkloadId workload, long epoch, Tasks tasks, PageRuns open) {
        OpenRuns left = OpenRuns.of(open);
        return with(workload, slot -> tracker(slot, workload).scan(epoch, tasks, left));
    }

    @Override
    public void defer(WorkloadId workload, long epoch, PageRuns runs) {
        with(workload, slot -> {
            tracker(slot, workload).defer(epoch, runs);
            return null;
        });
    }

    @Override
    public Segment read(WorkloadId workload, long epoch, PageRuns runs) {
        return with(workload, slot -> {
            WorkloadTracker tracker = tracker(slot, workload);
            SegmentPool.Lease lease = segments.take();
            try {
                slot.reader.read(runs, tracker::kernel, lease);
                return lease;
            } catch (RuntimeException | Error e) {
                lease.close();
                throw e;
            }
        });
    }

    @Override
    public void sealed(WorkloadId workload, long epoch) {
        with(workload, slot -> {
            tracker(slot, workload).sealed(epoch);
            return null;
        });
    }

    @Override
    public void broken(WorkloadId workload) {
        with(workload, slot -> {
            tracker(slot, workload).broken();
            return null;
        });
    }

    /** Idempotent. A replica that is kept on needs a greater generation to be tracked again. */
    @Override
    public void untrack(WorkloadId workload) {
        with(workload, slot -> {
            Path own = directory.resolve(workload.fileName());
            if (slot.tracker != null) {
                slot.tracker.untrack();
                slot.tracker = null;
            } else if (Files.exists(own)) {
                WorkloadTracker.untrack(own, kernels(workload, own));
            }
            return null;
        });
    }

    /** Stops this service's part; the workloads stay tracked for the next one as long as the keeper lives. */
    @Override
    public void close() {
        for (Slot slot : slots.values()) {
            synchronized (slot) {
                if (slot.tracker != null) {
                    slot.tracker.close();
                    slot.tracker = null;
                }
                slot.reader.close();
            }
        }
        slots.clear();
        segments.close();
    }

    private SpaceKernels kernels(WorkloadId workload, Path own) {
        MemoryAccess access = byKind.get(workload.kind());
        if (access == null) {
            throw DecampException.refused(
                    "unknown-kind", "Memory of " + workload + " can't be read here", "This node knows " + byKind.keySet());
        }
        return access.open(workload, own);
    }

    private <T> T with(WorkloadId workload, Function<Slot, T> action) {
        Slot slot = slots.computeIfAbsent(workload, id -> new Slot());
        synchronized (slot) {
            try {
                return action.apply(slot);
            } catch (SyscallException e) {
                throw DecampException.retry(
                        "memory-not-readable",
                        "The kernel refused to let memory of " + workload + " be tracked or read",
                        "See the cause; run the node's check for what the kernel supports",
                        e);
            } catch (InternalError e) {
                // a mapped page that tmpfs could not provide; what was being recorded counts as dirty
                throw DecampException.retry(
                        "memory-directory-full",
                        "The books or segments of " + workload + " could not be written",
                        "Make room in the memory directory, or give its tmpfs a greater size",
                        e);
            }
        }
    }

    private static WorkloadTracker tracker(Slot slot, WorkloadId workload) {
        if (slot.tracker == null) {
            throw DecampException.refused(
                    "not-tracked", "Workload " + workload + " is not tracked on this node", "Track it first");
        }
        return slot.tracker;
    }
}
