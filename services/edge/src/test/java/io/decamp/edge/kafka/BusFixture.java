package io.decamp.edge.kafka;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;

/** What the tests on a real broker have in common. */
final class BusFixture {
    /** Long enough for a loaded machine; no test waits for it to pass. */
    static final Duration LIMIT = Duration.ofSeconds(30);

    static final NodeId ALPHA = new NodeId("alpha");
    static final NodeId BETA = new NodeId("beta");

    private BusFixture() {}

    static Bus bus(String bootstrap, NodeId node) {
        return Bus.ofNode(KafkaSettings.of(bootstrap), node, OpenTelemetry.noop());
    }

    static MigrationRequested request(String workload) {
        return MigrationRequested.newBuilder()
                .setWorkload(workload)
                .setNode("alpha")
                .build();
    }

    static NodeAnnounced node(String name, long freeBytes) {
        return NodeAnnounced.newBuilder().setNode(name).setFreeBytes(freeBytes).build();
    }
}
