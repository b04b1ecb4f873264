package io.decamp.edge.config;

import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that an operator may set, under {@code decamp.}. Examples: deploy/config. Mapped when a service starts, not
 * when it is built: the build of an application may run on an older Java than its classes.
 */
public interface DecampConfig {
    /** Name of this node. */
    String node();

    /** Durable directory of this node; holds what must survive a reboot. */
    Path stateDirectory();

    /** Directory on tmpfs; holds segments, in-flight sets, captured parts and replicas. */
    Path memoryDirectory();

    /** Path below each cgroup hierarchy under which this node makes cgroups. */
    @WithDefault("/decamp/${decamp.node}")
    String cgroupPrefix();

    /** Command that runs CRIU 4.2 or newer; words separated by spaces. */
    @WithDefault("criu")
    String criu();

    /** Command that runs runc; words separated by spaces. */
    @WithDefault("runc")
    String runc();

    Kafka kafka();

    Data data();

    Trace trace();

    Restore restore();

    Remote remote();

    /** How the broker is reached. */
    interface Kafka {
        String bootstrapServers();

        /** Further settings of the Kafka client, passed through: {@code security.protocol}, {@code sasl.jaas.config} ... */
        Map<String, String> client();
    }

    /** The page stream. */
    interface Data {
        /** Address to listen on. */
        @WithDefault("127.0.0.1:7200")
        String listen();

        /** Address that other nodes reach; the listen address when not given. */
        Optional<String> advertise();

        /** PKCS#12 file with this node's certificate, its key and the authority's certificate. */
        Optional<Path> keyStore();

        /** File that holds the key store's password. */
        Optional<Path> keyStorePasswordFile();

        /** Limit of memory for replicas in bytes; 0: half of what is free at the start. */
        @WithDefault("0")
        long maxReplicaBytes();
    }

    /** Spans. */
    interface Trace {
        /** Where spans are kept for {@code decamp trace}; below the state directory when not given. */
        Optional<Path> directory();

        /** OTLP over HTTP/protobuf, base address such as {@code http://127.0.0.1:4318}; not exported when not given. */
        Optional<String> otlpEndpoint();
    }

    /** How copies come to life. */
    interface Restore {
        /** From this resident size in bytes, memory is served on demand instead of being read before the release. */
        @WithDefault("134217728")
        long lazyFromBytes();
    }

    /** Where the services of this node listen when each is a process of its own. */
    interface Remote {
        @WithDefault("127.0.0.1:7101")
        String introspector();

        @WithDefault("127.0.0.1:7102")
        String transfer();
    }
}
