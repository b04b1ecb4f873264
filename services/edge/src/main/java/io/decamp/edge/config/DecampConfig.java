package io.decamp.edge.config;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.eclipse.microprofile.config.Config;

/**
 * Everything that an operator may set, under {@code decamp.}; examples: deploy/config. Read when a service starts, not
 * mapped when it is built: the build of an application may run on an older Java than its classes.
 *
 * @param node name of this node
 * @param stateDirectory durable directory of this node; holds what must survive a reboot
 * @param memoryDirectory directory on tmpfs; holds segments, in-flight sets, captured parts and replicas
 * @param cgroupPrefix path below each cgroup hierarchy under which this node makes cgroups
 * @param criu command that runs CRIU 4.2 or newer; words separated by spaces
 * @param runc command that runs runc; words separated by spaces
 * @param propagation order in which dirty pages leave: combined, microwiper or address
 * @param rehearse whether a node moves a process of its own to itself when it starts
 */
public record DecampConfig(
        String node,
        Path stateDirectory,
        Path memoryDirectory,
        String cgroupPrefix,
        String criu,
        String runc,
        String propagation,
        boolean rehearse,
        Kafka kafka,
        Data data,
        Trace trace,
        Restore restore,
        Remote remote,
        Coordination coordinator) {
    private static final String PREFIX = "decamp.";
    private static final String KAFKA_CLIENT = "decamp.kafka.client.";
    /** From this resident size, on-demand memory beats reading it: 0.6 s a GiB against 40 ms whatever the size. */
    private static final long DEFAULT_LAZY_FROM_BYTES = 64 << 20;

    /** 16384 pages. */
    private static final long DEFAULT_DELTA_CACHE_BYTES = 64 << 20;

    /** More than the processors of a node could freeze and restore at a time. */
    private static final int MOST_MOVES_AT_ONCE = 64;

    /**
     * How the broker is reached.
     *
     * @param client further settings of the Kafka client, passed through: {@code security.protocol} and the like
     */
    public record Kafka(String bootstrapServers, Map<String, String> client) {}

    /**
     * The page stream.
     *
     * @param listen HOST:PORT to listen on
     * @param advertise HOST:PORT that other nodes reach; the listen address when not given
     * @param keyStore PKCS#12 file with this node's certificate, its key and the authority's certificate
     * @param keyStorePasswordFile file that holds the key store's password
     * @param maxReplicaBytes limit of memory for replicas; 0: half of what is free at the start
     * @param deltaCacheBytes for each workload that is sent: content of rewritten pages, to send only what changes in them
     */
    public record Data(
            String listen,
            Optional<String> advertise,
            Optional<Path> keyStore,
            Optional<Path> keyStorePasswordFile,
            long maxReplicaBytes,
            long deltaCacheBytes) {}

    /**
     * Spans.
     *
     * @param directory where spans are kept for {@code decamp trace}; below the state directory when not given
     * @param otlpEndpoint base address such as {@code http://127.0.0.1:4318}; not exported when not given
     */
    public record Trace(Optional<Path> directory, Optional<String> otlpEndpoint) {}

    /**
     * How copies come to life.
     *
     * @param lazyFromBytes from this resident size, memory is served on demand instead of being read before the release
     */
    public record Restore(long lazyFromBytes) {}

    /** Where the services of this node listen when each is a process of its own. */
    public record Remote(String introspector, String transfer) {}

    /**
     * Whether a node has a coordinator in it, and how hard one works.
     *
     * @param movesAtOnce workloads that leave one node at a time
     */
    public record Coordination(boolean enabled, int movesAtOnce) {}

    /**
     * Reads and checks all of it.
     *
     * @throws DecampException {@code setting-missing}, {@code setting-malformed}, {@code setting-unknown}
     */
    public static DecampConfig read(Config config) {
        Reader in = new Reader(config);
        String node = in.required("node");
        DecampConfig read = new DecampConfig(
                node,
                Path.of(in.required("state-directory")),
                Path.of(in.required("memory-directory")),
                in.text("cgroup-prefix").orElse("/decamp/" + node),
                in.text("criu").orElse("criu"),
                in.text("runc").orElse("runc"),
                in.text("propagation").orElse("combined"),
                in.flag("rehearse", true),
                new Kafka(in.required("kafka.bootstrap-servers"), in.kafkaClient()),
                new Data(
                        in.text("data.listen").orElse("127.0.0.1:7200"),
                        in.text("data.advertise"),
                        in.text("data.key-store").map(Path::of),
                        in.text("data.key-store-password-file").map(Path::of),
                        in.bytes("data.max-replica-bytes", 0),
                        in.bytes("data.delta-cache-bytes", DEFAULT_DELTA_CACHE_BYTES)),
                new Trace(in.text("trace.directory").map(Path::of), in.text("trace.otlp-endpoint")),
                new Restore(in.bytes("restore.lazy-from-bytes", DEFAULT_LAZY_FROM_BYTES)),
                new Remote(
                        in.text("remote.introspector").orElse("127.0.0.1:7101"),
                        in.text("remote.transfer").orElse("127.0.0.1:7102")),
                new Coordination(
                        in.flag("coordinator", false), in.count("coordinator.moves-at-once", 2, MOST_MOVES_AT_ONCE)));
        in.requireNothingElse();
        return read;
    }

    /** Remembers which settings there are, so that a misspelt one is noticed. */
    private static final class Reader {
        private final Config config;
        private final Set<String> known = new TreeSet<>();

        Reader(Config config) {
            this.config = config;
        }

        Optional<String> text(String name) {
            known.add(PREFIX + name);
            return config.getOptionalValue(PREFIX + name, String.class);
        }

        String required(String name) {
            return text(name)
                    .orElseThrow(() -> DecampException.refused(
                            "setting-missing", PREFIX + name + " is not set", "See deploy/config for an example"));
        }

        boolean flag(String name, boolean fallback) {
            String value = text(name).orElse(Boolean.toString(fallback));
            if (!value.equals("true") && !value.equals("false")) {
                throw DecampException.refused(
                        "setting-malformed", PREFIX + name + " is '" + value + "'", "Give true or false");
            }
            return value.equals("true");
        }

        /** From 1 to {@code most}. */
        int count(String name, int fallback, int most) {
            String value = text(name).orElse(Integer.toString(fallback)).strip();
            int count = value.matches("[0-9]{1,6}") ? Integer.parseInt(value) : 0;
            if (count < 1 || count > most) {
                throw DecampException.refused(
                        "setting-malformed", PREFIX + name + " is '" + value + "'", "Give a number from 1 to " + most);
            }
            return count;
        }

        long bytes(String name, long fallback) {
            String value = text(name).orElse(Long.toString(fallback));
            try {
                long bytes = Long.parseLong(value.strip());
                if (bytes >= 0) {
                    return bytes;
                }
            } catch (NumberFormatException e) {
                throw malformed(name, value);
            }
            throw malformed(name, value);
        }

        private static DecampException malformed(String name, String value) {
            return DecampException.refused(
                    "setting-malformed", PREFIX + name + " is '" + value + "'", "Give a whole number of bytes");
        }

        Map<String, String> kafkaClient() {
            Map<String, String> client = new HashMap<>();
            for (String name : config.getPropertyNames()) {
                if (name.startsWith(KAFKA_CLIENT)) {
                    known.add(name);
                    client.put(unquoted(name.substring(KAFKA_CLIENT.length())), config.getValue(name, String.class));
                }
            }
            return client;
        }

        /** A key with dots in it is written {@code decamp.kafka.client."security.protocol"}. */
        private static String unquoted(String key) {
            boolean quoted = key.length() > 2 && key.startsWith("\"") && key.endsWith("\"");
            return quoted ? key.substring(1, key.length() - 1) : key;
        }

        /** DECAMP_HOME and others are for the command line, which hands its environment on. */
        private static boolean isEnvironment(String name) {
            return System.getenv(name.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_")) != null;
        }

        void requireNothingElse() {
            for (String name : config.getPropertyNames()) {
                if (name.startsWith(PREFIX) && !known.contains(name) && !isEnvironment(name)) {
                    throw DecampException.refused("setting-unknown", name + " is no setting", "There are " + known);
                }
            }
        }
    }
}
