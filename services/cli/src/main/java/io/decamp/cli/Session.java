package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.CompactedView;
import io.decamp.edge.kafka.EventPublisher;
import io.decamp.edge.kafka.KafkaRegister;
import io.decamp.edge.kafka.KafkaSettings;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** One command's view of the cluster: what is desired, who is there, who owns what. */
public final class Session implements AutoCloseable {
    /** A broker that does not answer within this is not there, as far as a person at a prompt is concerned. */
    private static final Duration LIMIT = Duration.ofSeconds(15);

    private final Bus bus;
    private final EventPublisher publisher;
    private final KafkaRegister register;
    private final CompactedView<WorkloadSpec> workloads;
    private final CompactedView<NodeAnnounced> nodes;

    private Session(KafkaSettings settings) {
        bus = Bus.of(settings, "cli", OpenTelemetry.noop());
        publisher = new EventPublisher(bus);
        register = new KafkaRegister(bus);
        workloads = CompactedView.start(bus, EventType.WORKLOADS);
        nodes = CompactedView.start(bus, EventType.NODES);
    }

    /** Returns when everything was read once. */
    public static Session open(KafkaSettings settings) {
        Session session = new Session(settings);
        try {
            session.register.start();
            session.register.awaitCaughtUp(LIMIT);
            session.workloads.awaitCaughtUp(LIMIT);
            session.nodes.awaitCaughtUp(LIMIT);
            return session;
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    public Bus bus() {
        return bus;
    }

    public EventPublisher publisher() {
        return publisher;
    }

    public KafkaRegister register() {
        return register;
    }

    public Map<String, WorkloadSpec> workloads() {
        return workloads.all();
    }

    public Map<String, NodeAnnounced> nodes() {
        return nodes.all();
    }

    /**
     * The id that {@code text} means: an id; or one without its node, which is {@code node} or the one where it is known.
     *
     * @param node null when the person named none
     */
    public WorkloadId resolve(String text, NodeId node) {
        if (text.startsWith("runc:") || text.contains("@")) {
            return new WorkloadId(text);
        }
        if (node != null) {
            return WorkloadId.of(text, node);
        }
        List<String> known = Stream.concat(
                        workloads.all().keySet().stream(),
                        register.states().keySet().stream().map(WorkloadId::value))
                .distinct()
                .filter(id -> id.startsWith(text + "@"))
                .toList();
        if (known.size() != 1) {
            throw DecampException.refused(
                    "ambiguous-workload",
                    text + " is known on " + known.size() + " nodes",
                    "Name the node: --node NODE, or " + text + "@NODE");
        }
        return new WorkloadId(known.getFirst());
    }

    /** The node that owns it, if one does. */
    public Optional<NodeId> owner(WorkloadId workload) {
        return switch (register.current(workload)) {
            case HandoffState.Unowned s -> Optional.empty();
            case HandoffState.Owned s -> Optional.of(s.node());
            case HandoffState.Offered s -> Optional.of(s.from());
            case HandoffState.Taken s -> Optional.of(s.to());
        };
    }

    /** The node that a person named, or the only one there is. */
    public NodeId node(String named) {
        Map<String, NodeAnnounced> all = nodes.all();
        if (named != null) {
            if (!all.containsKey(named)) {
                throw DecampException.refused(
                        "unknown-node", "No node " + named + " has announced itself", "Known: " + all.keySet());
            }
            return new NodeId(named);
        }
        if (all.size() != 1) {
            throw DecampException.refused("node-missing", "There are " + all.size() + " nodes", "Name one: --node NODE");
        }
        return new NodeId(all.keySet().iterator().next());
    }

    @Override
    public void close() {
        nodes.close();
        workloads.close();
        register.close();
        publisher.close();
    }
}
