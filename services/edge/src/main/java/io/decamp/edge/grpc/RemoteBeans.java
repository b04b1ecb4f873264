package io.decamp.edge.grpc;

import io.decamp.contracts.port.MemorySource;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Replicas;
import io.decamp.contracts.v1.IntrospectorGrpc;
import io.decamp.contracts.v1.IntrospectorGrpc.IntrospectorBlockingStub;
import io.decamp.contracts.v1.TransferGrpc;
import io.decamp.contracts.v1.TransferGrpc.TransferBlockingStub;
import io.decamp.edge.config.DecampConfig;
import io.decamp.edge.config.WorkloadRuntimes;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.quarkus.arc.DefaultBean;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The engines' interfaces over gRPC, for a service whose neighbours are processes of their own. Where an engine is part of
 * the same application, its own beans take the place of these.
 */
@ApplicationScoped
class RemoteBeans {
    /** A read's answer carries only runs: 4096 of them fit into far less. */
    private static final int MAX_MESSAGE_BYTES = 64 << 20;

    private final List<ManagedChannel> channels = new ArrayList<>();

    @Produces
    @DefaultBean
    @Singleton
    IntrospectorBlockingStub introspector(DecampConfig config, ControlToken token) {
        return IntrospectorGrpc.newBlockingStub(channel(config.remote().introspector(), token));
    }

    @Produces
    @DefaultBean
    @Singleton
    TransferBlockingStub transfer(DecampConfig config, ControlToken token) {
        return TransferGrpc.newBlockingStub(channel(config.remote().transfer(), token));
    }

    @Produces
    @DefaultBean
    @Singleton
    MemorySource memory(IntrospectorBlockingStub stub) {
        return new RemoteMemorySource(stub);
    }

    @Produces
    @DefaultBean
    @Singleton
    WorkloadRuntimes runtimes(IntrospectorBlockingStub stub) {
        var runtime = new RemoteWorkloadRuntime(stub);
        return new WorkloadRuntimes(Map.of("runc", runtime, "pid", runtime, "vm", runtime));
    }

    @Produces
    @DefaultBean
    @Singleton
    PageTransport transport(TransferBlockingStub stub) {
        return new RemotePageTransport(stub);
    }

    @Produces
    @DefaultBean
    @Singleton
    Replicas replicas(TransferBlockingStub stub) {
        return new RemoteReplicas(stub);
    }

    private ManagedChannel channel(String address, ControlToken token) {
        ManagedChannel channel = NettyChannelBuilder.forTarget(address)
                .usePlaintext()
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .intercept(token.client())
                .build();
        channels.add(channel);
        return channel;
    }

    @PreDestroy
    void close() {
        channels.forEach(ManagedChannel::shutdownNow);
    }
}
