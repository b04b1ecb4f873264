package io.decamp.edge.kafka;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Where the brokers are and how a client proves who it is.
 *
 * @param bootstrap HOST:PORT[,HOST:PORT...]
 * @param client Kafka client settings that are passed through: TLS, SASL, DNS, timeouts
 */
public record KafkaSettings(String bootstrap, Map<String, String> client) {
    /** What the hand-off relies on; a file that sets them would weaken it in silence. */
    private static final Set<String> FIXED = Set.of(
            ProducerConfig.ACKS_CONFIG,
            ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
            ProducerConfig.LINGER_MS_CONFIG,
            ProducerConfig.TRANSACTIONAL_ID_CONFIG,
            ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
            ProducerConfig.MAX_BLOCK_MS_CONFIG,
            ConsumerConfig.GROUP_ID_CONFIG,
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
            "key.serializer",
            "value.serializer",
            "key.deserializer",
            "value.deserializer");

    /** One request to a broker; also how long a broker may be silent before it counts as gone. */
    private static final int REQUEST_MS = 5_000;
    /** A broker that restarts is looked for this often, from the first number up to the second. */
    private static final int RECONNECT_MS = 20;

    private static final int RECONNECT_MAX_MS = 500;
    /** A member of a group that is silent for so long is gone; the shortest that a broker takes by default. */
    static final int MEMBER_SESSION_MS = 6_000;
    /** A member that handles what it was given for longer than this is stuck. */
    private static final int MEMBER_HANDLING_MS = 60_000;
    /** Added partitions are noticed after this. */
    private static final int METADATA_AGE_MS = 60_000;

    public KafkaSettings {
        client = Map.copyOf(client);
        if (bootstrap == null || bootstrap.isBlank()) {
            throw refused("kafka-bootstrap-missing", "No broker is configured", "Set bootstrap.servers to HOST:PORT");
        }
        for (String name : client.keySet()) {
            if (FIXED.contains(name)) {
                throw refused(
                        "kafka-setting-fixed",
                        "The client setting " + name + " is fixed by decamp",
                        "Remove it: the hand-off depends on decamp's own value");
            }
        }
    }

    /** Plain text, no authentication. */
    public static KafkaSettings of(String bootstrap) {
        return new KafkaSettings(bootstrap, Map.of());
    }

    /**
     * Reads {@code bootstrap.servers} and everything else from a properties file, as Kafka's own tools take it.
     *
     * @throws DecampException {@code kafka-settings-unreadable}, {@code kafka-bootstrap-missing},
     *     {@code kafka-setting-fixed}
     */
    public static KafkaSettings load(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "kafka-settings-unreadable",
                    "Can't read Kafka client settings from " + file,
                    "Give a properties file as Kafka's command line tools take it",
                    e);
        }
        Map<String, String> client = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> client.put(name, properties.getProperty(name)));
        String bootstrap = client.remove(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG);
        return new KafkaSettings(bootstrap, client);
    }

    /** Settings of an admin client, and what all clients have in common. */
    Map<String, Object> common(String clientId) {
        Map<String, Object> config = new HashMap<>();
        config.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, REQUEST_MS);
        config.put(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG, 2 * REQUEST_MS);
        config.put(CommonClientConfigs.RETRY_BACKOFF_MS_CONFIG, RECONNECT_MS);
        config.put(CommonClientConfigs.RETRY_BACKOFF_MAX_MS_CONFIG, RECONNECT_MAX_MS);
        config.put(CommonClientConfigs.RECONNECT_BACKOFF_MS_CONFIG, RECONNECT_MS);
        config.put(CommonClientConfigs.RECONNECT_BACKOFF_MAX_MS_CONFIG, RECONNECT_MAX_MS);
        config.put(CommonClientConfigs.METADATA_MAX_AGE_CONFIG, METADATA_AGE_MS);
        config.put(CommonClientConfigs.ENABLE_METRICS_PUSH_CONFIG, false);
        config.putAll(client);
        config.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        config.put(CommonClientConfigs.CLIENT_ID_CONFIG, clientId);
        return config;
    }

    /**
     * An idempotent producer that sends at once and has a record on all in-sync replicas when it is acknowledged.
     *
     * @param giveUpMillis how long it tries to deliver a record
     * @param maxBlockMillis how long a call may wait for a broker to say where the topic is
     */
    Producer<String, byte[]> producer(String clientId, int giveUpMillis, int maxBlockMillis) {
        Map<String, Object> config = common(clientId);
        config.remove(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG);
        config.put(ProducerConfig.ACKS_CONFIG, "all");
        config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        config.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, giveUpMillis);
        config.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, Math.min(REQUEST_MS, giveUpMillis));
        config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, maxBlockMillis);
        return new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
    }

    /**
     * A consumer that is given its partitions and never joins a group: no rebalance delays the first record after a
     * restart.
     *
     * @param groupId where its offsets are kept, null for nowhere
     * @param reset {@code none}, {@code earliest} or {@code latest}: what it does where there is no record any more
     */
    Consumer<String, byte[]> consumer(String clientId, String groupId, String reset) {
        Map<String, Object> config = common(clientId);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, reset);
        config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        if (groupId != null) {
            config.put(ConsumerConfig.GROUP_ID_CONFIG, groupId);
        }
        return new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
    }

    /** As {@link #consumer}, as one of several members that share their topics. */
    Consumer<String, byte[]> member(String clientId, String groupId) {
        Map<String, Object> config = common(clientId);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        config.put(ConsumerConfig.GROUP_ID_CONFIG, groupId);
        config.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, MEMBER_SESSION_MS);
        config.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, MEMBER_SESSION_MS / 4);
        config.put(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, MEMBER_HANDLING_MS);
        config.put(
                ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, CooperativeStickyAssignor.class.getName());
        return new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
    }

    private static DecampException refused(String code, String message, String advice) {
        return DecampException.refused(code, message, advice);
    }
}
