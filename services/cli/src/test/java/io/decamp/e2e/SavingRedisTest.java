package io.decamp.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.RedisContainer;
import io.decamp.testkit.RedisLoad;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A real Redis forks to save itself while epochs go on, and is moved while the child that saves is alive. */
class SavingRedisTest {
    private static final WorkloadId REDIS = new WorkloadId("runc:saving");
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long DATA_BYTES = 24L << 20;
    /** A save then takes as long as the test needs it: 6144 keys, 1 ms each. */
    private static final String MICROS_PER_KEY = "1000";

    @Test
    void shouldMoveARedisThatForksToSaveDuringEpochsAndDuringTheFreeze() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PTRACE_ANY);
        Host.requireProgram("redis-server");
        try (Cluster cluster = Cluster.up(false, new Steps(System.out))) {
            RedisContainer redis = RedisContainer.start(cluster.lab(), cluster.lab().alpha(), "saving");
            List<Integer> places =
                    List.of(redis.reach(cluster.lab().alpha()), redis.reach(cluster.lab().beta()));
            try (RedisLoad load = new RedisLoad(places, DATA_BYTES, 4096, 200, 7);
                    Watch watch = Watch.open(cluster.session(), REDIS, epoch -> {})) {
                load.awaitReady(LIMIT);
                load.fill();
                load.start();
                cluster.session().publisher().send(EventType.WORKLOADS, spec(), LIMIT);
                watch.awaitEpochs(0, 2, LIMIT);
                load.command("CONFIG", "SET", "rdb-key-save-delay", "100");
                load.command("BGSAVE");
                watch.awaitEpochs(watch.epochs().size(), 2, LIMIT);
                awaitSaved(load);
                load.command("CONFIG", "SET", "rdb-key-save-delay", MICROS_PER_KEY);
                load.command("BGSAVE");
                watch.awaitEpochs(watch.epochs().size(), 1, LIMIT);

                String migration = cluster.session()
                        .publisher()
                        .send(EventType.MIGRATION_REQUESTED, request(), LIMIT)
                        .id();
                watch.awaitRestored(migration, LIMIT);

                long writes = load.report().writes();
                Await.until("the client to go on", LIMIT, () -> load.report().writes() > writes + 100);
                assertTrue(load.command("INFO", "persistence").contains("rdb_bgsave_in_progress:1"), "the child moved too");
                awaitSaved(load);
                RedisLoad.Report end = load.stopAndVerify();
                assertEquals(List.of(), end.errors());
                assertTrue(
                        cluster.session().register().current(REDIS) instanceof HandoffState.Owned owned
                                && owned.node().value().equals("beta"));
            }
        }
    }

    private static void awaitSaved(RedisLoad load) {
        Await.until("the save to end", LIMIT, () -> {
            String info = load.command("INFO", "persistence");
            assertTrue(info.contains("rdb_last_bgsave_status:ok"), info);
            return info.contains("rdb_bgsave_in_progress:0");
        });
    }

    private static WorkloadSpec spec() {
        return WorkloadSpec.newBuilder()
                .setWorkload(REDIS.value())
                .addNodes("alpha")
                .addNodes("beta")
                .build();
    }

    private static MigrationRequested request() {
        return MigrationRequested.newBuilder()
                .setWorkload(REDIS.value())
                .setNode("alpha")
                .setReason(Reason.MAINTENANCE)
                .build();
    }
}
