package io.decamp.contracts.event;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How each topic must be set up. What orders something has one partition: {@code handoff}, whose fold is in partition
 * order and must not change when partitions are added; the compacted ones; the dead letters.
 *
 * @param partitions exact for {@link #ordered()} topics, a minimum for the others
 * @param config the topic's own settings, by their Kafka names
 */
public record TopicSettings(String topic, int partitions, Map<String, String> config) {
    public static final String CLEANUP_POLICY = "cleanup.policy";
    public static final String RETENTION_MS = "retention.ms";
    public static final String RETENTION_BYTES = "retention.bytes";
    public static final String UNCLEAN_ELECTION = "unclean.leader.election.enable";
    public static final String MIN_INSYNC = "min.insync.replicas";
    public static final String SEGMENT_MS = "segment.ms";
    public static final String FOREVER = "-1";

    /** Of a cluster: one broker may be lost, and an acknowledged record is on two. */
    public static final int CLUSTER_REPLICATION = 3;
    /** See {@link #CLUSTER_REPLICATION}. */
    public static final int CLUSTER_MIN_INSYNC = 2;

    /** Only closed segments are compacted: 100 nodes that speak every 5 s fill one with 12 000 small records. */
    private static final Duration REFRESHED_SEGMENT = Duration.ofMinutes(10);

    /** Reports are spread, so that one noisy workload holds up a quarter of the others at most. */
    private static final int REPORT_PARTITIONS = 4;

    /** A report of an epoch is of interest while one looks for what happened today. */
    private static final Duration EPOCH_RETENTION = Duration.ofDays(1);
    /** A request is worthless within minutes; kept to be able to say who asked. */
    private static final Duration REQUEST_RETENTION = Duration.ofDays(7);
    /** Outcomes are what monthly reports are made of. */
    private static final Duration OUTCOME_RETENTION = Duration.ofDays(35);
    /** Bound of a report topic's disk space, each partition. */
    private static final long REPORT_BYTES = 256L << 20;

    public TopicSettings {
        config = Map.copyOf(config);
    }

    /** All topics, each with the settings it needs. */
    public static List<TopicSettings> all() {
        return List.of(
                report(Topics.MIGRATION_REQUESTED, REQUEST_RETENTION),
                report(Topics.PAGES_DIRTY, EPOCH_RETENTION),
                report(Topics.SNAPSHOT_READY, REQUEST_RETENTION),
                report(Topics.RESTORED, OUTCOME_RETENTION),
                report(Topics.MIGRATION_FAILED, OUTCOME_RETENTION),
                handoff(),
                compacted(Topics.WORKLOADS),
                refreshed(Topics.NODES),
                report(Topics.MIGRATION_PROGRESS, EPOCH_RETENTION),
                report(Topics.EVICTIONS, OUTCOME_RETENTION),
                refreshed(Topics.EVACUATIONS),
                new TopicSettings(Topics.DEAD_LETTER, 1, expiring(OUTCOME_RETENTION)));
    }

    /** The order of all records matters, so that the number of partitions is part of the meaning. */
    public boolean ordered() {
        return partitions == 1;
    }

    /**
     * Its settings on a cluster, or on a lone broker: that has no second copy, and writes each record of the register
     * to its disk before it acknowledges it.
     */
    public Map<String, String> configFor(boolean cluster) {
        Map<String, String> full = new LinkedHashMap<>(config);
        if (cluster) {
            full.put(MIN_INSYNC, Integer.toString(CLUSTER_MIN_INSYNC));
        } else if (isRegister()) {
            full.put("flush.messages", "1");
        }
        return full;
    }

    /** Lost records would lose a workload or run it twice. */
    public boolean isRegister() {
        return topic.equals(Topics.HANDOFF);
    }

    private static TopicSettings report(String topic, Duration retention) {
        return new TopicSettings(topic, REPORT_PARTITIONS, expiring(retention));
    }

    /** Compaction would keep the last claim, not the first; expiry would forget who owns. */
    private static TopicSettings handoff() {
        return new TopicSettings(
                Topics.HANDOFF,
                1,
                Map.of(
                        CLEANUP_POLICY,
                        "delete",
                        RETENTION_MS,
                        FOREVER,
                        RETENTION_BYTES,
                        FOREVER,
                        UNCLEAN_ELECTION,
                        "false"));
    }

    private static TopicSettings compacted(String topic) {
        return new TopicSettings(topic, 1, Map.of(CLEANUP_POLICY, "compact", UNCLEAN_ELECTION, "false"));
    }

    /** Said again and again: what is newest must be found without reading through a week of it. */
    private static TopicSettings refreshed(String topic) {
        Map<String, String> config = new LinkedHashMap<>(compacted(topic).config());
        config.put(SEGMENT_MS, Long.toString(REFRESHED_SEGMENT.toMillis()));
        return new TopicSettings(topic, 1, config);
    }

    private static Map<String, String> expiring(Duration retention) {
        Map<String, String> config = new LinkedHashMap<>();
        config.put(CLEANUP_POLICY, "delete");
        config.put(RETENTION_MS, Long.toString(retention.toMillis()));
        config.put(RETENTION_BYTES, Long.toString(REPORT_BYTES));
        config.put(UNCLEAN_ELECTION, "false");
        return config;
    }
}
