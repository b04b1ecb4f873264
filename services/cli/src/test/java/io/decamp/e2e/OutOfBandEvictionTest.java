package io.decamp.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.cli.demo.VmScene;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.Await;
import io.decamp.testkit.Host;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.vm.GuestVm;
import io.decamp.testkit.vm.GuestWorkload;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A container that checks itself leaves an overloaded guest, followed, frozen and saved from outside; and comes back. */
class OutOfBandEvictionTest {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int TURNS = 20;

    @Test
    void shouldMoveAContainerOutOfALoadedGuestAndBackWithoutLosingAPageOrAStep() {
        Kernel.require(KernelFeature.UFFD_WRITE_PROTECT_ASYNC, KernelFeature.PAGEMAP_SCAN, KernelFeature.PTRACE_ANY);
        Host.requireGuests();
        try (Cluster cluster = Cluster.up(false, new Steps(System.out));
                VmScene scene = VmScene.boot(cluster.lab())) {
            scene.startContainer();
            GuestWorkload workload = scene.workload();
            try (Watch watch = Watch.open(cluster.session(), scene.id(), epoch -> {})) {
                cluster.session().publisher().send(EventType.WORKLOADS, wanted(scene), LIMIT);
                watch.awaitEpochs(0, 2, LIMIT);
                scene.load();
                watch.awaitEpochs(watch.epochs().size(), 1, LIMIT);
                awaitDisks(scene.destination(), true);

                move(cluster, watch, scene, "alpha");
                assertThere(workload, scene.destination(), scene.source());
                assertEquals(GuestWorkload.LIMITS, workload.limitsIn(scene.destination()));

                watch.awaitEpochs(watch.epochs().size(), 2, LIMIT);
                move(cluster, watch, scene, "beta");
                assertThere(workload, scene.source(), scene.destination());

                awaitDisks(scene.destination(), true);
                cluster.session()
                        .publisher()
                        .remove(EventType.WORKLOADS, scene.id().value(), LIMIT);
                awaitDisks(scene.destination(), false);
                awaitDisks(scene.source(), false);
            }
            GuestWorkload.Verdict verdict = workload.stopAndJudge(scene.source());
            verdict.check();
            assertEquals(workload.spec().writers(), verdict.chain().audits());
            assertEquals("", VmScene.complaints(scene.source()));
            assertEquals("", VmScene.complaints(scene.destination()));
        }
    }

    /** A replica's, before it is needed; none when nobody is expected. */
    private static void awaitDisks(GuestVm guest, boolean some) {
        Await.until(
                (some ? "disks in" : "no disk to be left in") + " guest " + guest.name(),
                LIMIT,
                () -> guest.shell("ls /sys/block").output().contains("vd") == some);
    }

    private static void move(Cluster cluster, Watch watch, VmScene scene, String from) {
        MigrationRequested request = MigrationRequested.newBuilder()
                .setWorkload(scene.id().value())
                .setNode(from)
                .setReason(Reason.FAILURE_PREDICTED)
                .build();
        String migration = cluster.session()
                .publisher()
                .send(EventType.MIGRATION_REQUESTED, request, LIMIT)
                .id();
        watch.awaitRestored(migration, LIMIT);
        cluster.session()
                .register()
                .await(
                        scene.id(),
                        s -> s instanceof HandoffState.Owned o
                                && !o.node().value().equals(from),
                        LIMIT);
    }

    private static void assertThere(GuestWorkload workload, GuestVm here, GuestVm left) {
        Await.until(
                "its end in guest " + left.name(),
                LIMIT,
                () -> workload.pidIn(left).isEmpty());
        workload.awaitGoingOn(here, TURNS);
        assertTrue(workload.pidIn(here).isPresent());
    }

    private static WorkloadSpec wanted(VmScene scene) {
        return WorkloadSpec.newBuilder()
                .setWorkload(scene.id().value())
                .setLocator(scene.id().value())
                .addNodes("alpha")
                .addNodes("beta")
                .build();
    }
}
