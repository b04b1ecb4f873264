package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffFold;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.EventSink;
import io.decamp.contracts.port.HandoffRegister;
import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.NodeDirectory;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Segment;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.PreflightReport;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.snapshotter.engine.arbiter.LinkArbiter;
import io.decamp.snapshotter.engine.propagation.PropagationPolicy;
import io.opentelemetry.api.OpenTelemetry;
import io.decamp.contracts.v1.WireSavings;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Everything around a snapshotter, in memory: one workload, a standby that seals what it is sent, a register that is the
 * real fold. {@code calls} is what happened, in order. Faults are set by the fields.
 */
final class FakeWorld
        implements MemorySource, PageTransport, WorkloadRuntime, HandoffRegister, NodeDirectory, EventSink, Handover {
    static final NodeId ALPHA = new NodeId("alpha");
    static final NodeId BETA = new NodeId("beta");

    final List<String> calls = new CopyOnWriteArrayList<>();
    final List<PagesDirty> pagesDirty = new CopyOnWriteArrayList<>();
    final List<SnapshotReady> snapshots = new CopyOnWriteArrayList<>();
    final List<EvictionMeasured> measured = new CopyOnWriteArrayList<>();
    final List<MigrationProgress> progress = new CopyOnWriteArrayList<>();
    final List<MigrationFailed> failures = new CopyOnWriteArrayList<>();
    volatile Consumer<MigrationFailed> onFailure = failure -> {};
    final Map<Long, Long> sealedByGeneration = new ConcurrentHashMap<>();
    final Map<WorkloadId, HandoffState> states = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    volatile boolean running = true;
    volatile boolean standbyDown;
    volatile PreflightReport findings = PreflightReport.getDefaultInstance();
    volatile boolean freezeFails;
    volatile boolean trackFails;
    volatile boolean registerDown;
    volatile boolean sealFinalFails;
    volatile Optional<Outcome> resumed = Optional.empty();
    volatile int resumeFailures;
    volatile Runnable onResume = () -> {};
    volatile Runnable onUntrack = () -> {};
    volatile int pagesWritten = 3;
    volatile boolean refusesTracking;
    private volatile boolean tracked;
    volatile Outcome outcome = Outcome.COMMITTED;

    SnapshotterPorts ports(Path directory) {
        var settings = new NodeSettings(ALPHA, directory, directory, "/t", List.of("criu"), List.of("runc"));
        return new SnapshotterPorts(
                settings,
                Map.of("runc", this, "pid", this),
                this,
                this,
                this,
                this,
                this,
                PropagationPolicy.named("combined"),
                new LinkArbiter(),
                OpenTelemetry.noop().getTracer("test"),
                Clock.systemUTC());
    }

    @Override
    public Tracking track(WorkloadId workload, long generation) {
        if (trackFails) {
            throw DecampException.retry("process-not-trackable", "a tracer is attached", "End it", null);
        }
        calls.add("track");
        if (refusesTracking) {
            throw DecampException.retry("being-restored", "Memory is still being filled in", "Wait", null);
        }
        tracked = true;
        return new Tracking(List.of(new AddressSpace(1, 1)), 30);
    }

    @Override
    public Scan scan(WorkloadId workload, long epoch, Tasks tasks, PageRuns open) {
        calls.add(tasks == Tasks.RUNNING ? "scan" : "scan-" + tasks);
        if (!running) {
            throw DecampException.abort("workload-ended", workload + " has ended", "Start it again", null);
        }
        PageRuns runs = new PageRuns();
        runs.add(1, 0x1000, pagesWritten, PageSource.BYTES);
        return new Scan(List.of(new AddressSpace(1, 1)), runs, 1 << 20, 100, false);
    }

    @Override
    public Segment read(WorkloadId workload, long epoch, PageRuns runs) {
        return new Segment() {
            @Override
            public Path file() {
                return Path.of("/dev/null");
            }

            @Override
            public long offset() {
                return 0;
            }

            @Override
            public long length() {
                return runs.payloadBytes();
            }

            @Override
            public PageRuns runs() {
                return runs;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void sealed(WorkloadId workload, long epoch) {
        calls.add("settled " + epoch);
    }

    @Override
    public void defer(WorkloadId workload, long epoch, PageRuns runs) {
        calls.add("defer " + runs.totalPages());
    }

    @Override
    public void broken(WorkloadId workload) {
        if (!tracked) {
            throw DecampException.refused("not-tracked", workload + " is not tracked", "Track it first");
        }
        calls.add("broken");
    }

    @Override
    public void untrack(WorkloadId workload) {
        calls.add("untrack");
        onUntrack.run();
        onUntrack = () -> {};
    }

    @Override
    public Session open(WorkloadId workload, long generation, Target target) {
        if (standbyDown) {
            throw DecampException.retry("destination-unreachable", target.destination() + " is down", "Start it", null);
        }
        calls.add("open");
        return new FakeSession(generation);
    }

    private final class FakeSession implements Session {
        private final long generation;

        FakeSession(long generation) {
            this.generation = generation;
        }

        @Override
        public long lastSealedEpoch() {
            return sealedByGeneration.getOrDefault(generation, 0L);
        }

        @Override
        public void begin(long epoch) {}

        @Override
        public long send(long epoch, Segment segment) {
            if (standbyDown) {
                throw DecampException.retry("destination-unreachable", "cut", "Start it", null);
            }
            return segment.length();
        }

        @Override
        public long sendPart(long epoch, String name, Path file) {
            calls.add("part " + name);
            return 10;
        }

        @Override
        public Seal seal(long epoch, boolean isFinal, List<AddressSpace> spaces) {
            if (standbyDown) {
                throw DecampException.retry("destination-unreachable", "cut", "Start it", null);
            }
            if (isFinal && sealFinalFails) {
                throw new IllegalStateException("a defect");
            }
            calls.add(isFinal ? "seal-final" : "seal " + epoch);
            sealedByGeneration.put(generation, epoch);
            return new Seal(new byte[32], 4096, List.of(), WireSavings.getDefaultInstance());
        }

        @Override
        public void close() {
            calls.add("close");
        }
    }

    @Override
    public Found find(WorkloadId id) {
        return new Found(id, 42, running ? State.RUNNING : State.STOPPED, Path.of("/bundle"));
    }

    @Override
    public PreflightReport check(WorkloadId id) {
        return findings;
    }

    @Override
    public Frozen freeze(WorkloadId id, String migration, Path partsDirectory, Runnable onStopped) {
        calls.add("freeze");
        onStopped.run();
        if (freezeFails) {
            throw DecampException.abort("criu-failed", "criu: something it can't dump", "See its log", null);
        }
        return new Frozen(List.of(new Part("core-1.img", Path.of("/dev/null"), 10)), 1, 2);
    }

    @Override
    public Hold hold(WorkloadId id) {
        return Hold.NONE;
    }

    @Override
    public void thaw(WorkloadId id) {
        calls.add("thaw");
    }

    @Override
    public void kill(WorkloadId id) {
        calls.add("kill");
    }

    @Override
    public HandoffState current(WorkloadId workload) {
        return states.getOrDefault(workload, new HandoffState.Unowned(0));
    }

    @Override
    public HandoffState append(WorkloadId workload, HandoffRecord record, Duration limit) {
        if (registerDown) {
            calls.add("append");
            throw DecampException.retry("register-unreachable", "no broker answers", "Start it", null);
        }
        HandoffState before = current(workload);
        HandoffState after = HandoffFold.apply(before, record);
        states.put(workload, after);
        if (!after.equals(before)) {
            listeners.forEach(l -> l.changed(workload, before, after, record));
        }
        return after;
    }

    /** As if another node had said something. */
    void change(WorkloadId workload, HandoffState after) {
        HandoffState before = current(workload);
        states.put(workload, after);
        listeners.forEach(l -> l.changed(workload, before, after, HandoffRecord.getDefaultInstance()));
    }

    @Override
    public HandoffState await(WorkloadId workload, Predicate<HandoffState> wanted, Duration limit) {
        return current(workload);
    }

    @Override
    public void onChange(Listener listener) {
        listeners.add(listener);
    }

    @Override
    public Optional<NodeAnnounced> find(NodeId node) {
        return Optional.of(NodeAnnounced.newBuilder()
                .setNode(node.value())
                .setDataAddress("10.0.0.2:7200")
                .build());
    }

    @Override
    public List<NodeId> all() {
        return List.of(ALPHA, BETA);
    }

    @Override
    public void pagesDirty(PagesDirty event) {
        pagesDirty.add(event);
    }

    @Override
    public void snapshotReady(SnapshotReady event) {
        if (event.getFinal()) {
            calls.add("ready-final");
        }
        snapshots.add(event);
    }

    @Override
    public void restored(Restored event) {}

    @Override
    public void migrationFailed(MigrationFailed event) {
        failures.add(event);
        onFailure.accept(event);
    }

    @Override
    public void progress(MigrationProgress event) {
        progress.add(event);
    }

    @Override
    public void evictionMeasured(EvictionMeasured event) {
        measured.add(event);
    }

    @Override
    public Outcome offer(WorkloadId workload, NodeId to, Digest digest, String migration, Consumer<String> waitingFor) {
        calls.add("offer");
        if (outcome == Outcome.COMMITTED) {
            states.put(workload, new HandoffState.Owned(to, current(workload).term() + 1));
        }
        return outcome;
    }

    @Override
    public Optional<Outcome> resume(WorkloadId workload, Consumer<String> waitingFor) {
        if (states.get(workload) instanceof HandoffState.Owned && resumed.isEmpty()) {
            return Optional.empty();
        }
        calls.add("resume");
        if (resumeFailures > 0) {
            resumeFailures--;
            throw DecampException.retry("runc-failed", "runc does not answer", "Run it by hand", null);
        }
        onResume.run();
        Optional<Outcome> answer = resumed;
        resumed = Optional.empty();
        return answer;
    }
}
