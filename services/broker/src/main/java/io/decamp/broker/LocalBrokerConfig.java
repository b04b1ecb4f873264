package io.decamp.broker;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Settings of a broker that is alone, small and quick to come back. Names and defaults: Kafka 4.1. */
final class LocalBrokerConfig {
    static final int NODE_ID = 1;
    static final String CONTROLLER = "CONTROLLER";

    /** A crashed broker's registration blocks its own restart for so long; Kafka's default is 9 s. */
    static final int SESSION_TIMEOUT_MS = 1_500;
    /** Five heartbeats a session: a starved machine may lose some. */
    private static final int HEARTBEAT_MS = 300;

    /** Kafka takes 128 MiB of heap to compact logs; two small topics need a fraction. */
    private static final int CLEANER_BUFFER_BYTES = 4 << 20;

    private static final int CLEANER_IO_BYTES = 64 << 10;
    /** Kafka allocates whole index files ahead: 10 MiB a partition. */
    private static final int INDEX_BYTES = 1 << 20;

    private static final int SEGMENT_BYTES = 64 << 20;
    private static final int METADATA_SEGMENT_BYTES = 8 << 20;
    /** A handful of clients on one machine. */
    private static final int THREADS = 2;

    private LocalBrokerConfig() {}

    static Map<String, String> of(Path directory, Endpoint listen, Endpoint advertised, Endpoint controller) {
        Map<String, String> config = new HashMap<>();
        config.put("process.roles", "broker,controller");
        config.put("node.id", Integer.toString(NODE_ID));
        config.put("controller.quorum.voters", NODE_ID + "@" + controller);
        config.put("controller.listener.names", CONTROLLER);
        config.put("listeners", "PLAINTEXT://" + listen + "," + CONTROLLER + "://" + controller);
        config.put("advertised.listeners", "PLAINTEXT://" + advertised);
        config.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT," + CONTROLLER + ":PLAINTEXT");
        config.put("inter.broker.listener.name", "PLAINTEXT");
        config.put("log.dirs", directory.toString());
        config.put("auto.create.topics.enable", "false");
        put(config, "broker.session.timeout.ms", SESSION_TIMEOUT_MS);
        put(config, "broker.heartbeat.interval.ms", HEARTBEAT_MS);
        put(config, "group.initial.rebalance.delay.ms", 0);
        alone(config, "offsets.topic", "replication.factor", "num.partitions");
        alone(config, "transaction.state.log", "replication.factor", "num.partitions", "min.isr");
        alone(config, "share.coordinator.state.topic", "replication.factor", "num.partitions", "min.isr");
        put(config, "num.network.threads", THREADS);
        put(config, "num.io.threads", THREADS);
        put(config, "background.threads", THREADS);
        put(config, "num.recovery.threads.per.data.dir", 1);
        put(config, "log.cleaner.dedupe.buffer.size", CLEANER_BUFFER_BYTES);
        put(config, "log.cleaner.io.buffer.size", CLEANER_IO_BYTES);
        put(config, "log.segment.bytes", SEGMENT_BYTES);
        put(config, "log.index.size.max.bytes", INDEX_BYTES);
        put(config, "metadata.log.segment.bytes", METADATA_SEGMENT_BYTES);
        return config;
    }

    private static void alone(Map<String, String> config, String prefix, String... settings) {
        for (String setting : settings) {
            put(config, prefix + "." + setting, 1);
        }
    }

    private static void put(Map<String, String> config, String name, int value) {
        config.put(name, Integer.toString(value));
    }
}
