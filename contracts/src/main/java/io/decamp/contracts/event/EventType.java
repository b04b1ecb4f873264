package io.decamp.contracts.event;

import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import io.decamp.contracts.v1.Evacuation;
import io.decamp.contracts.v1.EvictionMeasured;
import io.decamp.contracts.v1.HandoffRecord;
import io.decamp.contracts.v1.MigrationFailed;
import io.decamp.contracts.v1.MigrationProgress;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.SnapshotReady;
import io.decamp.contracts.v1.WorkloadSpec;
import java.util.function.Function;

/**
 * What may be said on which topic: one message type and one version each. A new version of a message gets a new
 * {@code ce_type}; adding a protobuf field does not.
 *
 * @param <T> the message that is the data of the event
 */
public final class EventType<T extends Message> {
    public static final EventType<MigrationRequested> MIGRATION_REQUESTED = new EventType<>(
            Topics.MIGRATION_REQUESTED,
            MigrationRequested.class,
            MigrationRequested.parser(),
            EventType::requested);
    public static final EventType<PagesDirty> PAGES_DIRTY =
            new EventType<>(Topics.PAGES_DIRTY, PagesDirty.class, PagesDirty.parser(), PagesDirty::getWorkload);
    public static final EventType<SnapshotReady> SNAPSHOT_READY = new EventType<>(
            Topics.SNAPSHOT_READY, SnapshotReady.class, SnapshotReady.parser(), SnapshotReady::getWorkload);
    public static final EventType<Restored> RESTORED =
            new EventType<>(Topics.RESTORED, Restored.class, Restored.parser(), Restored::getWorkload);
    public static final EventType<MigrationFailed> MIGRATION_FAILED = new EventType<>(
            Topics.MIGRATION_FAILED, MigrationFailed.class, MigrationFailed.parser(), MigrationFailed::getWorkload);
    public static final EventType<HandoffRecord> HANDOFF =
            new EventType<>(Topics.HANDOFF, HandoffRecord.class, HandoffRecord.parser(), HandoffRecord::getWorkload);
    public static final EventType<WorkloadSpec> WORKLOADS =
            new EventType<>(Topics.WORKLOADS, WorkloadSpec.class, WorkloadSpec.parser(), WorkloadSpec::getWorkload);
    public static final EventType<NodeAnnounced> NODES =
            new EventType<>(Topics.NODES, NodeAnnounced.class, NodeAnnounced.parser(), NodeAnnounced::getNode);
    public static final EventType<MigrationProgress> MIGRATION_PROGRESS = new EventType<>(
            Topics.MIGRATION_PROGRESS, MigrationProgress.class, MigrationProgress.parser(), MigrationProgress::getWorkload);
    public static final EventType<EvictionMeasured> EVICTIONS = new EventType<>(
            Topics.EVICTIONS, EvictionMeasured.class, EvictionMeasured.parser(), EvictionMeasured::getWorkload);
    public static final EventType<Evacuation> EVACUATIONS =
            new EventType<>(Topics.EVACUATIONS, Evacuation.class, Evacuation.parser(), Evacuation::getEvacuation);

    /** Every {@code ce_type} of ours starts with it. */
    static final String PREFIX = "io.decamp.";

    private final String topic;
    private final Class<T> messageClass;
    private final Parser<T> parser;
    private final Function<T, String> key;

    private EventType(String topic, Class<T> messageClass, Parser<T> parser, Function<T, String> key) {
        this.topic = topic;
        this.messageClass = messageClass;
        this.parser = parser;
        this.key = key;
    }

    /** A request for all of a node is that node's. */
    private static String requested(MigrationRequested request) {
        return request.getWorkload().isEmpty() ? request.getNode() : request.getWorkload();
    }

    public String topic() {
        return topic;
    }

    public Class<T> messageClass() {
        return messageClass;
    }

    /** The version that this code writes, and the only one that it reads. */
    public int version() {
        return 1;
    }

    /** Value of the header {@code ce_type}, such as {@code io.decamp.migration-requested.v1}. */
    public String ceType() {
        return baseType() + ".v" + version();
    }

    /** Key of the Kafka record: the workload; the node for topic {@code nodes}, the evacuation for {@code evacuations}. */
    public String keyOf(T message) {
        return key.apply(message);
    }

    /** {@link #ceType()} without its version. */
    String baseType() {
        return PREFIX + topic;
    }

    Parser<T> parser() {
        return parser;
    }

    @Override
    public String toString() {
        return ceType();
    }
}
