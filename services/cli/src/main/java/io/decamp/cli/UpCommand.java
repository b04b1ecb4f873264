package io.decamp.cli;

import io.decamp.cli.launch.LoneNode;
import io.decamp.cli.launch.NodePlan;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.UpPlan;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.testkit.Tools;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts this machine's node; ends when it is ready, while the node goes on. */
@Command(name = "up", description = "Starts this machine's node (and a broker, unless a cluster is named).")
final class UpCommand implements Callable<Integer> {
    @Mixin
    private HelpOption help;

    @Mixin
    private NodeOptions node;

    @Option(
            names = "--memory-directory",
            paramLabel = "DIR",
            description = "on tmpfs: segments and replicas (default: /dev/shm/decamp-NAME)")
    private Path memoryDirectory;

    @Option(names = "--bootstrap-servers", paramLabel = "HOST:PORT,...", description = "a Kafka cluster, not a broker here")
    private String bootstrapServers;

    @Option(
            names = "--client-config",
            paramLabel = "FILE",
            description = "a Kafka cluster with all its client settings (TLS, SASL), as a properties file")
    private Path clientConfig;

    @Option(
            names = "--broker-listen",
            paramLabel = "HOST:PORT",
            description = "of the broker that is started here (default: ${DEFAULT-VALUE})")
    private String brokerListen = "127.0.0.1:9092";

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            description = "where pages are received (default: ${DEFAULT-VALUE})")
    private String listen = "127.0.0.1:7200";

    @Option(names = "--advertise", paramLabel = "HOST:PORT", description = "where other nodes reach it (default: as --listen)")
    private String advertise;

    @Option(names = "--key-store", paramLabel = "FILE", description = "PKCS#12 with the node's certificate and its authority")
    private Path keyStore;

    @Option(names = "--key-store-password-file", paramLabel = "FILE", description = "holds the key store's password")
    private Path keyStorePasswordFile;

    @Option(
            names = "--first-port",
            paramLabel = "PORT",
            description = "control ports on loopback, from this one on (default: ${DEFAULT-VALUE})")
    private int firstPort = NodePlan.DEFAULT_FIRST_PORT;

    @Option(names = "--runc-root", paramLabel = "DIR", description = "state root of runc (default: ${DEFAULT-VALUE})")
    private Path runcRoot = Path.of("/run/runc");

    @Option(names = "--otlp-endpoint", paramLabel = "URL", description = "exports spans there as well")
    private String otlpEndpoint;

    @Option(names = "--separate", description = "each service a process of its own")
    private boolean separate;

    @Option(
            names = "--coordinator",
            description = "a coordinator works here: it empties nodes and finds standbys (without a cluster one always does)")
    private boolean coordinator;

    @Override
    public Integer call() {
        try {
            return start();
        } catch (DecampException e) {
            throw e.category() == DecampException.Category.REFUSED ? new CannotStartException(e) : e;
        }
    }

    private int start() {
        UpPlan plan = plan();
        boolean started = LoneNode.up(plan, ClientOptions.DEFAULT_CONFIG, new Steps(System.out));
        System.out.printf(
                "Node %s %s%s: pages on %s, broker %s%s%n",
                plan.settings().node(),
                started ? "is up" : "is up already",
                plan.coordinator() ? ", with a coordinator" : "",
                listen,
                plan.cluster().map(KafkaSettings::bootstrap).orElse(brokerListen + " on this machine"),
                plan.cluster().isEmpty() ? ", for a lone machine: when it fails, nothing is left that can decide a move" : "");
        LoneNode.running(node.stateDirectory()).forEach((name, pid) -> System.out.printf(
                "  %-12s PID %-8d log %s%n", name, pid, node.stateDirectory().resolve("log").resolve(name + ".log")));
        System.out.printf(
                "  state %s, replicas %s%n  next: ./decamp check WORKLOAD, ./decamp protect WORKLOAD --standby NODE; end: ./decamp down%n",
                node.stateDirectory(), plan.settings().memoryDirectory());
        return ExitCode.DONE;
    }

    private UpPlan plan() {
        if ((keyStore == null) != (keyStorePasswordFile == null)) {
            throw DecampException.refused(
                    "key-store-incomplete",
                    "--key-store and --key-store-password-file belong together",
                    "Give both, or none for certificates of this machine's own making");
        }
        if (bootstrapServers != null && clientConfig != null) {
            throw DecampException.refused(
                    "broker-twice", "--bootstrap-servers and --client-config both name a cluster", "Give one of them");
        }
        Path memory = memoryDirectory != null
                ? memoryDirectory.toAbsolutePath().normalize()
                : Path.of("/dev/shm/decamp-" + node.node());
        var settings = new NodeSettings(
                node.node(),
                node.stateDirectory(),
                memory,
                "/decamp/" + node.node(),
                List.of(Tools.criu().toString()),
                List.of("runc", "--root", runcRoot.toString()));
        Optional<KafkaSettings> cluster = clientConfig != null
                ? Optional.of(KafkaSettings.load(clientConfig))
                : Optional.ofNullable(bootstrapServers).map(KafkaSettings::of);
        Optional<UpPlan.KeyStoreFiles> files = Optional.ofNullable(keyStore)
                .map(k -> new UpPlan.KeyStoreFiles(k.toAbsolutePath(), keyStorePasswordFile.toAbsolutePath()));
        return new UpPlan(
                settings, cluster, brokerListen, listen, Optional.ofNullable(advertise), files,
                Optional.ofNullable(otlpEndpoint), firstPort, separate,
                coordinator || cluster.isEmpty());
    }
}
