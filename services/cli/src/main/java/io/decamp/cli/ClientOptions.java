package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.edge.kafka.KafkaSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How a command reaches the broker. */
final class ClientOptions {
    /** Written by {@code ./decamp up}, so that commands on the same machine need no options. */
    static final Path DEFAULT_CONFIG = Path.of("/etc/decamp/client.properties");

    @Option(
            names = "--bootstrap-servers",
            paramLabel = "HOST:PORT,...",
            description = "Kafka brokers; else environment DECAMP_BOOTSTRAP_SERVERS, else the file below")
    String bootstrapServers;

    @Option(
            names = "--client-config",
            paramLabel = "FILE",
            description = "Kafka client settings as a properties file (default: /etc/decamp/client.properties)")
    Path config;

    KafkaSettings settings() {
        String named = bootstrapServers != null ? bootstrapServers : System.getenv("DECAMP_BOOTSTRAP_SERVERS");
        if (config != null) {
            return KafkaSettings.load(config);
        }
        if (named != null) {
            return KafkaSettings.of(named);
        }
        if (Files.exists(DEFAULT_CONFIG)) {
            return KafkaSettings.load(DEFAULT_CONFIG);
        }
        throw DecampException.refused(
                "no-broker",
                "No broker is named",
                "Give --bootstrap-servers HOST:PORT, or start a node here with ./decamp up");
    }
}
