package io.decamp.coordinator.engine;

import io.decamp.contracts.event.MigrationFailedCodes;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.WorkloadSpec;
import java.time.Clock;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * What was last said of every node, workload and move. Nothing in it is an authority but the owners, which are the
 * register's fold. Thread safe; told by the threads that read topics.
 */
public final class Fleet {
    /** Answers that are remembered: far more than one coordinator waits for at a time. */
    private static final int MAX_ANSWERS = 16_384;

    /** How a move ended, as its node or its destination said. */
    public sealed interface Answer {
        /** It runs at its destination. */
        record Moved(Restored event) implements Answer {}

        /** It was refused, or stopped on its way. */
        record Failed(MigrationFailed event) implements Answer {}
    }

    /** The newest report of a workload, and when it came, by this coordinator's clock. */
    public record Report(PagesDirty epoch, long heardMillis) {}

    /** A failure that concerns protection, not a move. */
    public record Trouble(MigrationFailed event, long heardMillis) {}

    private final Clock clock;
    private final CoordinatorLimits limits;
    private final Map<String, NodeAnnounced> nodes = new ConcurrentSkipListMap<>();
    private final Map<String, Long> nodesHeardMillis = new ConcurrentHashMap<>();
    private final Map<String, WorkloadSpec> specs = new ConcurrentSkipListMap<>();
    private final Map<String, HandoffState> owners = new ConcurrentSkipListMap<>();
    private final Map<String, Report> reports = new ConcurrentHashMap<>();
    private final Map<String, Trouble> troubles = new ConcurrentHashMap<>();
    private final Map<String, Evacuation> evacuations = new ConcurrentSkipListMap<>();
    private final Map<String, Answer> answers = bounded();
    private final Map<String, Long> asked = bounded();
    private final Map<String, MigrationProgress> progress = bounded();
    private final Map<String, Long> progressMillis = bounded();

    public Fleet(Clock clock, CoordinatorLimits limits) {
        this.clock = clock;
        this.limits = limits;
    }

    private static <V> Map<String, V> bounded() {
        return Collections.synchronizedMap(new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
                return size() > MAX_ANSWERS;
            }
        });
    }

    /**
     * Told again and again while the node is there. What the topic held before this coordinator came counts by the time
     * in it, and by no more than now: a node whose clock is ahead does not live for ever.
     */
    public void announced(NodeAnnounced node) {
        nodes.put(node.getNode(), node);
        nodesHeardMillis.put(node.getNode(), Math.min(clock.millis(), node.getAnnouncedUnixMillis()));
    }

    /** As {@link #announced}, just now: the clock of the node does not matter. */
    public void heardNow(NodeAnnounced node) {
        nodes.put(node.getNode(), node);
        nodesHeardMillis.put(node.getNode(), clock.millis());
    }

    public void specified(String workload, Optional<WorkloadSpec> spec) {
        spec.ifPresentOrElse(s -> specs.put(workload, s), () -> {
            specs.remove(workload);
            reports.remove(workload);
            troubles.remove(workload);
        });
    }

    public void owned(String workload, HandoffState state) {
        if (state instanceof HandoffState.Unowned) {
            owners.remove(workload);
        } else {
            owners.put(workload, state);
        }
    }

    public void reported(PagesDirty epoch) {
        reports.put(epoch.getWorkload(), new Report(epoch, clock.millis()));
        troubles.remove(epoch.getWorkload());
    }

    public void restored(Restored event) {
        answers.put(event.getMigration(), new Answer.Moved(event));
    }

    public void failed(MigrationFailed event) {
        if (event.getCode().equals(MigrationFailedCodes.STILL_FROZEN)) {
            return;
        }
        if (!event.getMigration().isEmpty()) {
            answers.put(event.getMigration(), new Answer.Failed(event));
        } else if (!event.getWorkload().isEmpty()) {
            troubles.put(event.getWorkload(), new Trouble(event, clock.millis()));
        }
    }

    /** A request for a move that is part of an evacuation was read back. */
    public void asked(String migration) {
        asked.put(migration, clock.millis());
    }

    public void progressed(MigrationProgress event) {
        progress.put(event.getMigration(), event);
        progressMillis.put(event.getMigration(), clock.millis());
    }

    public void evacuating(String id, Optional<Evacuation> evacuation) {
        evacuation.ifPresentOrElse(e -> evacuations.put(id, e), () -> evacuations.remove(id));
    }

    public Optional<NodeAnnounced> node(String name) {
        return Optional.ofNullable(nodes.get(name));
    }

    /** Whether it has announced itself lately. */
    public boolean isPresent(String node) {
        return silentMillis(node) < limits.absentAfter().toMillis();
    }

    /** Since when nothing was heard of it; {@link Long#MAX_VALUE} when it never was. */
    public long silentMillis(String node) {
        Long heard = nodesHeardMillis.get(node);
        return heard == null ? Long.MAX_VALUE : clock.millis() - heard;
    }

    /** By name. */
    public List<NodeAnnounced> presentNodes() {
        return nodes.values().stream().filter(n -> isPresent(n.getNode())).toList();
    }

    public Collection<String> knownNodes() {
        return List.copyOf(nodes.keySet());
    }

    /** What the register says of a workload; {@link HandoffState#NOBODY} when it owns to nobody. */
    public HandoffState owner(String workload) {
        return owners.getOrDefault(workload, HandoffState.NOBODY);
    }

    /** Those that a node runs, or holds frozen on their way from it. */
    public List<String> workloadsOf(String node) {
        return owners.entrySet().stream()
                .filter(e -> sourceOf(e.getValue()).equals(node))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Where it is until somebody else runs it; empty for nowhere. */
    public static String sourceOf(HandoffState state) {
        return switch (state) {
            case HandoffState.Unowned s -> "";
            case HandoffState.Owned s -> s.node().value();
            case HandoffState.Offered s -> s.from().value();
            case HandoffState.Taken s -> s.from().value();
        };
    }

    public Map<String, WorkloadSpec> specs() {
        return Map.copyOf(specs);
    }

    public Optional<WorkloadSpec> spec(String workload) {
        return Optional.ofNullable(specs.get(workload));
    }

    /** The newest epoch, as long as it says something about now. */
    public Optional<PagesDirty> freshReport(String workload) {
        return report(workload)
                .filter(r -> clock.millis() - r.heardMillis() < limits.reportFresh().toMillis())
                .map(Report::epoch);
    }

    public Optional<Report> report(String workload) {
        return Optional.ofNullable(reports.get(workload));
    }

    /** What keeps it from being protected since its last epoch. */
    public Optional<Trouble> trouble(String workload) {
        return Optional.ofNullable(troubles.get(workload));
    }

    public Optional<Answer> answer(String migration) {
        return Optional.ofNullable(answers.get(migration));
    }

    public boolean wasAsked(String migration) {
        return asked.containsKey(migration);
    }

    public Optional<MigrationProgress> progress(String migration) {
        return Optional.ofNullable(progress.get(migration));
    }

    /** When the last step of a move was told; 0 for never. */
    public long progressedMillis(String migration) {
        return progressMillis.getOrDefault(migration, 0L);
    }

    /** Under way; those that are done are not in it. */
    public List<Evacuation> evacuationsUnderWay() {
        return evacuations.values().stream().filter(e -> !e.getDone()).toList();
    }

    /** Done, and asked for before that time. */
    public List<Evacuation> evacuationsDoneBefore(long unixMillis) {
        return evacuations.values().stream()
                .filter(e -> e.getDone() && e.getRequestedUnixMillis() < unixMillis)
                .toList();
    }

    public Optional<Evacuation> evacuation(String id) {
        return Optional.ofNullable(evacuations.get(id));
    }

    public long nowMillis() {
        return clock.millis();
    }
}
