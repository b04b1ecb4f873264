package io.decamp.transfer.edge;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.PageTransport;
import io.decamp.contracts.port.Replicas;
import io.decamp.edge.config.DecampConfig;
import io.decamp.transfer.engine.replica.ReplicaLimits;
import io.decamp.transfer.engine.replica.ReplicaStore;
import io.decamp.transfer.engine.send.TlsPageTransport;
import io.decamp.transfer.engine.send.TransportLimits;
import io.decamp.transfer.engine.send.WireTotals;
import io.decamp.transfer.engine.tls.TlsMaterial;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.enterprise.inject.Typed;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import javax.net.ssl.SSLContext;

/** The transfer engine's two halves as beans. */
@ApplicationScoped
class TransferBeans {
    @Produces
    @Singleton
    SSLContext tls(DecampConfig config) {
        Path keyStore = required(config.data().keyStore(), "decamp.data.key-store");
        Path password = required(config.data().keyStorePasswordFile(), "decamp.data.key-store-password-file");
        return TlsMaterial.fromPkcs12(keyStore, password);
    }

    @Produces
    @Singleton
    PageTransport transport(SSLContext tls, DecampConfig config, MeterRegistry meters) {
        TlsPageTransport transport =
                new TlsPageTransport(tls, TransportLimits.DEFAULT, config.data().deltaCacheBytes());
        WireTotals totals = transport.totals();
        FunctionCounter.builder("decamp.wire.sent", totals, WireTotals::sentBytes)
                .baseUnit("bytes")
                .description("Bytes of sealed epochs that went to other nodes")
                .register(meters);
        saved(meters, totals, "unchanged", WireTotals::unchangedBytes);
        saved(meters, totals, "delta", WireTotals::deltaBytes);
        saved(meters, totals, "compressed", WireTotals::compressedBytes);
        return transport;
    }

    private static void saved(MeterRegistry meters, WireTotals totals, String by, ToDoubleFunction<WireTotals> bytes) {
        FunctionCounter.builder("decamp.wire.saved", totals, bytes)
                .baseUnit("bytes")
                .tag("by", by)
                .description("Bytes of pages that did not have to be sent")
                .register(meters);
    }

    @Produces
    @Singleton
    @Typed({ReplicaStore.class, Replicas.class})
    ReplicaStore replicas(DecampConfig config, NodeSettings settings) {
        return ReplicaStore.open(settings.memoryDirectory(), limits(config.data().maxReplicaBytes()));
    }

    void close(@Disposes ReplicaStore store) {
        store.close();
    }

    private static ReplicaLimits limits(long configuredBytes) {
        if (configuredBytes > 0) {
            return new ReplicaLimits(configuredBytes, configuredBytes);
        }
        try {
            return ReplicaLimits.halfOfFreeMemory();
        } catch (IOException e) {
            throw DecampException.refused(
                    "free-memory-unknown",
                    "Cannot tell how much memory is free: " + e.getMessage(),
                    "Set decamp.data.max-replica-bytes");
        }
    }

    private static Path required(Optional<Path> file, String property) {
        return file.orElseThrow(() -> DecampException.refused(
                "tls-missing",
                property + " is not set",
                "./decamp up makes certificates for a lone machine; elsewhere name your own"));
    }
}
