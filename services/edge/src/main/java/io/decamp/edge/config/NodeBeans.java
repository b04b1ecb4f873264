package io.decamp.edge.config;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.edge.grpc.ControlToken;
import io.grpc.ServerInterceptor;
import io.quarkus.grpc.GlobalInterceptor;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.util.List;
import org.eclipse.microprofile.config.ConfigProvider;

/** What every service of a node shares, made from its configuration. */
@ApplicationScoped
class NodeBeans {
    @Produces
    @Singleton
    DecampConfig config() {
        return DecampConfig.read(ConfigProvider.getConfig());
    }

    @Produces
    @Singleton
    NodeSettings settings(DecampConfig config) {
        return new NodeSettings(
                new NodeId(config.node()),
                config.stateDirectory(),
                config.memoryDirectory(),
                config.cgroupPrefix(),
                words(config.criu()),
                words(config.runc()));
    }

    @Produces
    @Singleton
    ControlToken token(DecampConfig config) {
        return ControlToken.of(config.stateDirectory());
    }

    @Produces
    @Singleton
    @GlobalInterceptor
    ServerInterceptor tokenCheck(ControlToken token) {
        return token.server();
    }

    @Produces
    @Singleton
    Clock clock() {
        return Clock.systemUTC();
    }

    private static List<String> words(String command) {
        return List.of(command.trim().split("\\s+"));
    }
}
