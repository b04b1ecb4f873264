package io.decamp.cli.launch;

import io.decamp.contracts.port.NodeSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How one node is started.
 *
 * @param bootstrapServers of the broker, as the node reaches it
 * @param dataListen HOST:PORT of the page stream
 * @param keyStore PKCS#12 of this node, with the authority; {@code passwordFile} holds its password
 * @param moreSettings file with settings that are too many, or too secret, for a command line
 * @param otlpEndpoint where spans are exported to, besides the local store
 * @param firstPort loopback port of the node; services of their own take the ports after it
 * @param separate each service is a process of its own
 * @param enter command that the services' command lines follow; empty for here
 */
public record NodePlan(
        NodeSettings settings,
        String bootstrapServers,
        String dataListen,
        Path keyStore,
        Path passwordFile,
        Optional<Path> moreSettings,
        Optional<String> otlpEndpoint,
        int firstPort,
        boolean separate,
        List<String> enter) {
    /**
     * As {@link #enter}: in a session of its own, so that neither the end of the terminal nor Ctrl-C reaches it. The
     * launcher becomes the service, since it leads no process group.
     */
    public static final List<String> DETACHED = List.of("setsid");

    /** Where {@code ./decamp up} puts a node that says nothing else. */
    public static final int DEFAULT_FIRST_PORT = 7100;

    /** For a service that waits for others most of the time: less memory, ready sooner. */
    private static final String QUICK = "-XX:TieredStopAtLevel=1";

    /** What is started: one application of the repository each. */
    public enum Service {
        NODE("services/node", "-Xmx192m", "-XX:MaxDirectMemorySize=160m"),
        INTROSPECTOR("introspector", "-Xmx96m", "-XX:MaxDirectMemorySize=48m", QUICK),
        /** The only one that computes: the fast AES-GCM is the optimizing compiler's. */
        TRANSFER("transfer", "-Xmx96m", "-XX:MaxDirectMemorySize=160m"),
        SNAPSHOTTER("snapshotter", "-Xmx96m", "-XX:MaxDirectMemorySize=48m", QUICK),
        RESTORER("restorer", "-Xmx96m", "-XX:MaxDirectMemorySize=48m", QUICK),
        COORDINATOR("services/coordinator", "-Xmx96m", "-XX:MaxDirectMemorySize=48m", QUICK);

        private final String module;
        private final List<String> memory;

        Service(String module, String... memory) {
            this.module = module;
            this.memory = List.of(memory);
        }

        /** Options of its JVM: limits of its memory, what its libraries need, how far it compiles. */
        public List<String> jvm() {
            List<String> options = new ArrayList<>(memory);
            options.addAll(List.of(
                    "-XX:+UseSerialGC",
                    "-Xss512k",
                    "-XX:+ExitOnOutOfMemoryError",
                    "--sun-misc-unsafe-memory-access=allow",
                    "--enable-native-access=ALL-UNNAMED",
                    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager"));
            return options;
        }

        /** As in files and messages. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        Path application(Path repository) {
            return repository.resolve(module).resolve("target/quarkus-app/quarkus-run.jar");
        }
    }

    public List<Service> services() {
        return services(separate);
    }

    /** What a node consists of. */
    static List<Service> services(boolean separate) {
        return separate
                ? List.of(Service.INTROSPECTOR, Service.TRANSFER, Service.SNAPSHOTTER, Service.RESTORER)
                : List.of(Service.NODE);
    }

    /** The configuration of a service as system properties. */
    List<String> properties(Service service) {
        List<String> p = new ArrayList<>(List.of(
                "-Ddecamp.node=" + settings.node(),
                "-Ddecamp.state-directory=" + settings.stateDirectory(),
                "-Ddecamp.memory-directory=" + settings.memoryDirectory(),
                "-Ddecamp.cgroup-prefix=" + settings.cgroupPrefix(),
                "-Ddecamp.criu=" + String.join(" ", settings.criu()),
                "-Ddecamp.runc=" + String.join(" ", settings.runc()),
                "-Ddecamp.kafka.bootstrap-servers=" + bootstrapServers,
                "-Ddecamp.data.listen=" + dataListen,
                "-Ddecamp.data.key-store=" + keyStore,
                "-Ddecamp.data.key-store-password-file=" + passwordFile,
                "-Ddecamp.remote.introspector=127.0.0.1:" + port(Service.INTROSPECTOR),
                "-Ddecamp.remote.transfer=127.0.0.1:" + port(Service.TRANSFER),
                "-Dquarkus.http.port=" + port(service)));
        moreSettings.ifPresent(f -> p.add("-Dsmallrye.config.locations=" + f.toUri()));
        otlpEndpoint.ifPresent(e -> p.add("-Ddecamp.trace.otlp-endpoint=" + e));
        return p;
    }

    /** The process that is started waits for the service as its only child, instead of becoming it. */
    boolean launcherStays() {
        return !enter.isEmpty() && !enter.equals(DETACHED);
    }

    /** Loopback port of its health, metrics and control calls. */
    public int port(Service service) {
        return firstPort + service.ordinal();
    }
}
