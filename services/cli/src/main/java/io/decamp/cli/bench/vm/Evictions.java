package io.decamp.cli.bench.vm;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.decamp.cli.bench.Median;
import io.decamp.cli.bench.Target;
import io.decamp.cli.demo.VmScene;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.vm.GuestSpec;
import io.decamp.testkit.vm.GuestVm;
import io.decamp.testkit.vm.GuestWorkload;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * Evicts a self-checking container from one guest to another and back, by the whole system: two nodes, a guest on each.
 * Every second time the guest that it leaves computes on all its processors. After so many moves the container ends by
 * comparing all its memory, and everything that it ever did is judged; a new one goes on.
 */
final class Evictions {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    /** Epochs after a move, so that each request meets a protection that has settled. */
    private static final int SETTLED_EPOCHS = 3;
    /** Moves of one container: a mismatch is found at its end at the latest. */
    private static final int MOVES = 10;
    /** Turns of its guards that show that a copy runs. */
    private static final int TURNS = 20;

    private static final int GUEST_MIB = 512;
    /** Two processes of two writers each, 1 MB/s of changed pages. */
    private static final ChainSpec CONTAINER = ChainSpec.of(16, 256).withTree(1, 2);

    private final List<Move> moves = new ArrayList<>();
    private final List<String> wrong = new ArrayList<>();

    /** @param seconds from the request until the copy had shown that it runs */
    private record Move(boolean loaded, double freezeMillis, double seconds, double wholeSeconds) {}

    /** @return whether all memory, all steps and all guards were right */
    boolean run(int count, Steps steps, ObjectNode root) {
        try (Cluster cluster = Cluster.up(false, steps)) {
            steps.start("a guest on each node");
            try (GuestVm a = GuestVm.boot(spec("a"), cluster.lab().alpha());
                    GuestVm b = GuestVm.boot(spec("b"), cluster.lab().beta())) {
                steps.done(a.image().release() + ", by " + a.accelerator());
                root.put("accelerator", a.accelerator().toString());
                GuestWorkload.prepare(b);
                while (moves.size() < count) {
                    container(cluster, List.of(a, b), Math.min(MOVES, count - moves.size()));
                }
                for (GuestVm guest : List.of(a, b)) {
                    String complaints = VmScene.complaints(guest);
                    if (!complaints.isEmpty()) {
                        wrong.add("the kernel of guest " + guest.name() + " complained: " + complaints);
                    }
                }
            }
        }
        report(root);
        return wrong.isEmpty();
    }

    private static GuestSpec spec(String name) {
        return GuestSpec.named(name).withMemoryMib(GUEST_MIB).receiving();
    }

    private void container(Cluster cluster, List<GuestVm> guests, int times) {
        GuestWorkload container = GuestWorkload.start(guests.getFirst(), CONTAINER);
        WorkloadId id = WorkloadId.of(container.locator(), cluster.lab().alpha().id());
        int at = 0;
        try (Watch watch = Watch.open(cluster.session(), id, epoch -> {})) {
            protect(cluster, id);
            for (int i = 0; i < times; i++) {
                boolean loaded = moves.size() % 2 == 1;
                Move move = move(cluster, watch, id, container, guests, at, loaded);
                moves.add(move);
                at = 1 - at;
                System.out.printf(
                        Locale.ROOT,
                        "  %3d. %s -> %s%-8s frozen %6.1f ms, runs %4.1f s after the request, %4.1f s in all%n",
                        moves.size(),
                        guests.get(1 - at).name(),
                        guests.get(at).name(),
                        loaded ? ", loaded" : "",
                        move.freezeMillis(),
                        move.seconds(),
                        move.wholeSeconds());
            }
        }
        cluster.session().publisher().remove(EventType.WORKLOADS, id.value(), LIMIT);
        await(cluster, id, s -> s instanceof HandoffState.Unowned);
        GuestWorkload.Verdict verdict = container.stopAndJudge(guests.get(at));
        verdict.wrong().forEach(w -> System.out.println("  WRONG: " + w));
        wrong.addAll(verdict.wrong());
        System.out.printf(
                Locale.ROOT,
                "  after %d moves: %d turns of guards, %s%n",
                times,
                verdict.records(),
                verdict.verified() ? "all memory and every step right" : "NOT VERIFIED");
    }

    private static Move move(
            Cluster cluster,
            Watch watch,
            WorkloadId id,
            GuestWorkload container,
            List<GuestVm> guests,
            int at,
            boolean loaded) {
        long begin = System.nanoTime();
        String owner = at == 0 ? "alpha" : "beta";
        await(cluster, id, s -> s instanceof HandoffState.Owned o && o.node().value().equals(owner));
        watch.awaitEpochs(watch.epochs().size(), SETTLED_EPOCHS, LIMIT);
        Load load = loaded ? Load.CPU : Load.IDLE;
        try (Load.Running _ = load.start(new BenchGuest(guests.get(at)))) {
            long asked = System.nanoTime();
            Restored restored = watch.awaitRestored(evict(cluster, id, owner), LIMIT);
            container.awaitGoingOn(guests.get(1 - at), TURNS);
            return new Move(
                    loaded,
                    restored.getFreezeMicros() / 1e3,
                    (System.nanoTime() - asked) / 1e9,
                    (System.nanoTime() - begin) / 1e9);
        }
    }

    private static void protect(Cluster cluster, WorkloadId id) {
        WorkloadSpec wanted = WorkloadSpec.newBuilder()
                .setWorkload(id.value())
                .addNodes("alpha")
                .addNodes("beta")
                .build();
        cluster.session().publisher().send(EventType.WORKLOADS, wanted, LIMIT);
    }

    private static String evict(Cluster cluster, WorkloadId id, String owner) {
        MigrationRequested request = MigrationRequested.newBuilder()
                .setWorkload(id.value())
                .setNode(owner)
                .setReason(Reason.FAILURE_PREDICTED)
                .setProbability(0.9)
                .build();
        return cluster.session().publisher().send(EventType.MIGRATION_REQUESTED, request, LIMIT).id();
    }

    private static void await(Cluster cluster, WorkloadId id, Predicate<HandoffState> state) {
        cluster.session().register().await(id, state, LIMIT);
    }

    private void report(ObjectNode root) {
        for (Move move : moves) {
            root.withArray("evictions")
                    .addObject()
                    .put("loaded", move.loaded())
                    .put("freezeMillis", Saving.rounded(move.freezeMillis()))
                    .put("runsAfterSeconds", Saving.rounded(move.seconds()))
                    .put("wholeSeconds", Saving.rounded(move.wholeSeconds()));
        }
        wrong.forEach(root.putArray("wrong")::add);
        Target none = Target.atMost(
                "what did not hold in " + moves.size() + " evictions, "
                        + moves.stream().filter(Move::loaded).count() + " of them under load",
                wrong.size(),
                0,
                "",
                "");
        none.addTo(root.withArray("targets").addObject());
        System.out.printf(
                Locale.ROOT,
                "  %d evictions: frozen %.1f ms (median), one takes %.1f s with its protection%n",
                moves.size(),
                Median.of(moves.stream().mapToDouble(Move::freezeMillis)),
                Median.of(moves.stream().mapToDouble(Move::wholeSeconds)));
        System.out.println(none);
    }
}
