package io.decamp.cli.demo;

import io.decamp.cli.Format;
import io.decamp.cli.TraceCommand;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.v1.EvictionTimes;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.testkit.Await;
import io.decamp.testkit.vm.Accelerator;
import io.decamp.testkit.vm.GuestVm;
import io.decamp.testkit.vm.GuestWorkload;
import io.decamp.testkit.vm.InGuestCriu;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** The story of {@link Demo} with virtual machines: a container is followed, frozen and saved from outside of its guest. */
final class VmDemo {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    /** Epochs after the first copy, and as many under load, so that the event meets a protection that has settled. */
    private static final int SETTLED_EPOCHS = 3;
    /** Turns of all its guards that show a container going on. */
    private static final int TURNS = 20;

    private final PrintStream out;
    private final Steps steps;
    private final Checks checks;
    private final boolean separate;
    private final Path json;

    /** @param json null for none */
    VmDemo(PrintStream out, boolean separate, Path json) {
        this.out = out;
        this.steps = new Steps(out);
        this.checks = new Checks(out);
        this.separate = separate;
        this.json = json;
    }

    /** @return whether every check held */
    boolean run() throws IOException {
        out.println(
                "Decamp demo: a container leaves an overloaded virtual machine for another, moved from outside of both.");
        chapter("Two nodes on this machine");
        try (Cluster cluster = Cluster.up(separate, steps)) {
            chapter("A guest on each, a container in the first");
            try (VmScene scene = boot(cluster)) {
                startContainer(scene);
                VmComparison comparison = moveBothWays(cluster, scene);
                chapter("What it cost");
                conclude(comparison);
            }
            steps.start("removing guests and nodes");
        }
        steps.done("nothing is left of them");
        return checks.verdict();
    }

    private void chapter(String title) {
        out.println();
        out.println(title);
    }

    private VmScene boot(Cluster cluster) {
        steps.start("two guests (their image is made the first time)");
        VmScene scene = VmScene.boot(cluster.lab());
        GuestVm a = scene.source();
        steps.done("a on alpha, b on beta: " + a.spec().cpus() + " processors, "
                + a.spec().memoryMib() + " MiB, Linux " + a.image().release() + ", run by " + a.accelerator());
        return scene;
    }

    private void startContainer(VmScene scene) {
        steps.start("a container in guest a");
        scene.startContainer();
        GuestWorkload w = scene.workload();
        steps.done(
                w.locator() + ": " + (w.spec().children() + 2) + " processes, threads, pipes, sockets, files, timers; "
                        + w.spec().sizeMib() + " MiB that change " + w.spec().pagesPerSecond() + " pages a second");
    }

    private VmComparison moveBothWays(Cluster cluster, VmScene scene) {
        chapter("Protected from outside: its memory is shipped to beta while nothing of Decamp runs in its guest");
        EpochLines lines = new EpochLines(out);
        EvictionTimes times;
        Restored restored;
        try (Watch watch = Watch.open(cluster.session(), scene.id(), lines::print);
                Monitoring monitoring = new Monitoring(cluster.broker().bootstrap())) {
            cluster.session().publisher().send(EventType.WORKLOADS, wanted(scene), LIMIT);
            watch.awaitEpochs(0, 1 + SETTLED_EPOCHS, LIMIT);
            lines.end();
            chapter("Guest a is loaded");
            load(scene);
            watch.awaitEpochs(watch.epochs().size(), SETTLED_EPOCHS, LIMIT);
            chapter("A failure of alpha is predicted");
            String line = Demo.prediction(scene.id());
            out.println("  " + Topics.MIGRATION_REQUESTED + " <- " + line);
            Monitoring.Alarm alarm = monitoring.write(scene.id().value(), line);
            restored = watch.awaitRestored(alarm.migration(), LIMIT);
            times = watch.awaitMeasured(alarm.migration(), LIMIT).getReal();
            cluster.session().register().await(scene.id(), s -> s instanceof HandoffState.Owned, LIMIT);
            out.printf(
                    Locale.ROOT,
                    "  the container runs in guest b on %s; it stood still for %s, guest a was free of it after %s%n",
                    restored.getTo(),
                    Format.micros(restored.getFreezeMicros()),
                    Format.micros(times.getTotalMicros()));
            judge(scene, "Decamp");
            chapter("Where the time went (./decamp trace)");
            out.print(TraceCommand.waterfall(cluster.spanDirectories(), alarm.migration()));
            cluster.session().publisher().remove(EventType.WORKLOADS, scene.id().value(), LIMIT);
        }
        return new VmComparison(scene.source().accelerator(), times, restored, moveByCriu(scene));
    }

    private static WorkloadSpec wanted(VmScene scene) {
        return WorkloadSpec.newBuilder()
                .setWorkload(scene.id().value())
                .setLocator(scene.id().value())
                .addNodes("alpha")
                .addNodes("beta")
                .build();
    }

    private void load(VmScene scene) {
        steps.start("stress-ng");
        double busy = scene.load();
        steps.done(String.format(Locale.ROOT, "both processors are busy %.0f %% of the time", busy * 100));
    }

    private InGuestCriu.Move moveByCriu(VmScene scene) {
        chapter("The same by criu inside of the loaded guest: an equal container, the same load, the same checks");
        startContainer(scene);
        scene.workload().awaitGoingOn(scene.source(), TURNS);
        steps.start("criu dump in guest a, criu restore in guest b");
        InGuestCriu.Move move = InGuestCriu.move(scene.workload(), scene.source(), scene.destination());
        steps.done("dump " + Format.micros(Math.round(move.dumpMillis() * 1e3)) + ", restore "
                + Format.micros(Math.round(move.restoreMillis() * 1e3)) + ", copying not counted");
        judge(scene, "criu");
        return move;
    }

    /** Ends the container: it is judged as a whole. */
    private void judge(VmScene scene, String mover) {
        GuestWorkload workload = scene.workload();
        GuestVm from = scene.source();
        GuestVm to = scene.destination();
        Await.until(
                "the end of its processes in guest a",
                LIMIT,
                () -> workload.pidIn(from).isEmpty());
        workload.awaitGoingOn(to, TURNS);
        checks.expect(
                "exactly one copy is left",
                workload.pidIn(to).isPresent() && workload.pidIn(from).isEmpty(),
                "in guest b as process " + workload.pidIn(to).orElse(-1) + ", in guest a none");
        if (mover.equals("Decamp")) {
            checks.expect(
                    "its cgroup has the limits that it had",
                    workload.limitsIn(to).equals(GuestWorkload.LIMITS),
                    workload.limitsIn(to).toString());
        }
        GuestWorkload.Verdict verdict = workload.stopAndJudge(to);
        checks.expect(
                "every step was made once, every page is right",
                verdict.verified(),
                verdict.verified()
                        ? String.format(
                                Locale.ROOT,
                                "%,d steps, all %d MiB recomputed; %,d turns of timers, files, pipe, sockets; %,d of registers",
                                verdict.chain().lines(),
                                workload.spec().sizeMib(),
                                verdict.records(),
                                verdict.registerTurns())
                        : String.join("; ", verdict.wrong()));
        List<String> complaints = List.of(VmScene.complaints(from), VmScene.complaints(to));
        checks.expect(
                "no guest's kernel complained",
                complaints.stream().allMatch(String::isEmpty),
                complaints.stream().allMatch(String::isEmpty) ? "no warning in either log" : complaints.toString());
    }

    private void conclude(VmComparison comparison) throws IOException {
        out.print(comparison);
        out.println(
                "  One run of each. criu's images went from guest to guest by a way of the lab that is not counted.");
        out.println(
                "  While loaded, guest a gives way to guest b (nice 10): they share this machine's processors.");
        if (comparison.accelerator() == Accelerator.TCG) {
            out.println(
                    "  TCG: the guests' instructions are translated, five to twenty times slower than on a processor.");
            out.println(
                    "  That inflates all that runs in a guest: criu's dump, both restores; not reading from outside.");
        }
        if (json != null) {
            comparison.write(json, checks.all());
        }
    }
}
