package io.decamp.contracts.event;

/** Names of the Kafka topics. */
public final class Topics {
    public static final String MIGRATION_REQUESTED = "migration-requested";
    public static final String PAGES_DIRTY = "pages-dirty";
    public static final String SNAPSHOT_READY = "snapshot-ready";
    public static final String RESTORED = "restored";
    public static final String MIGRATION_FAILED = "migration-failed";
    public static final String HANDOFF = "handoff";
    public static final String WORKLOADS = "workloads";
    public static final String NODES = "nodes";
    public static final String MIGRATION_PROGRESS = "migration-progress";
    public static final String EVICTIONS = "evictions";
    public static final String EVACUATIONS = "evacuations";
    public static final String DEAD_LETTER = "decamp-dead-letter";

    private Topics() {}
}
