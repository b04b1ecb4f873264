package io.decamp.cli.launch;

import io.decamp.contracts.port.NodeSettings;
import io.decamp.edge.kafka.KafkaSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a person asked {@code ./decamp up} for.
 *
 * @param cluster empty on a lone machine: a broker is started on {@code brokerListen}
 * @param brokerListen HOST:PORT of the lone machine's own broker
 * @param dataListen HOST:PORT of the page stream
 * @param advertise HOST:PORT that other nodes reach, where it differs
 * @param keyStore empty for certificates of the machine's own making
 * @param firstPort control ports on loopback: this one and the five after it
 * @param coordinator one works here: within the node, or as a service of its own where each is
 */
public record UpPlan(
        NodeSettings settings,
        Optional<KafkaSettings> cluster,
        String brokerListen,
        String dataListen,
        Optional<String> advertise,
        Optional<KeyStoreFiles> keyStore,
        Optional<String> otlpEndpoint,
        int firstPort,
        boolean separate,
        boolean coordinator) {

    /** A node's certificate and what opens it. */
    public record KeyStoreFiles(Path store, Path passwordFile) {}

    String bootstrap() {
        return cluster.map(KafkaSettings::bootstrap).orElse(brokerListen);
    }

    Path logDirectory() {
        return settings.stateDirectory().resolve("log");
    }

    Path tlsDirectory() {
        return settings.stateDirectory().resolve("tls");
    }

    NodePlan node(KeyStoreFiles files, Optional<Path> moreSettings) {
        return new NodePlan(
                settings,
                bootstrap(),
                dataListen,
                files.store(),
                files.passwordFile(),
                moreSettings,
                otlpEndpoint,
                firstPort,
                separate,
                NodePlan.DETACHED);
    }

    List<NodePlan.Service> services() {
        List<NodePlan.Service> services = new ArrayList<>(NodePlan.services(separate));
        if (separate && coordinator) {
            services.add(NodePlan.Service.COORDINATOR);
        }
        return services;
    }
}
