package io.decamp.snapshotter.engine;

import static org.awaitility.Awaitility.await;

import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.opentelemetry.context.Context;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A snapshotter over a {@link FakeWorld}, with one workload. */
abstract class SnapshotterFixture {
    static final WorkloadId REDIS = new WorkloadId("runc:redis");

    @TempDir
    Path directory;

    final FakeWorld world = new FakeWorld();
    Snapshotter snapshotter;

    @BeforeEach
    void start() {
        snapshotter = new Snapshotter(world.ports(directory), world, id -> world.calls.add("undesired"));
    }

    @AfterEach
    void stop() {
        snapshotter.close();
    }

    static WorkloadSpec spec() {
        return WorkloadSpec.newBuilder()
                .setWorkload(REDIS.value())
                .addNodes("alpha")
                .addNodes("beta")
                .setPolicy(Policy.newBuilder().setMinIntervalMicros(1000).setMaxIntervalMicros(2000))
                .build();
    }

    static MigrationOrder order(NodeId destination) {
        return order(destination, false);
    }

    static MigrationOrder order(NodeId destination, boolean dryRun) {
        return order("m1", destination, dryRun);
    }

    static MigrationOrder order(String migration, NodeId destination, boolean dryRun) {
        return new MigrationOrder(
                migration, REDIS, Reason.MANUAL, destination, 1, System.nanoTime(), 0, dryRun, Context.root());
    }

    void protect() {
        snapshotter.specified(REDIS, spec());
        await().until(() -> world.pagesDirty.size() >= 2);
    }
}
