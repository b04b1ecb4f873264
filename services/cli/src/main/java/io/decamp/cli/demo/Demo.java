package io.decamp.cli.demo;

import io.decamp.cli.Format;
import io.decamp.cli.TraceCommand;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Steps;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.event.Topics;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.v1.Restored;
import io.decamp.contracts.v1.WorkloadSpec;
import io.decamp.testkit.Lab;
import io.decamp.testkit.PlainCriu;
import io.decamp.testkit.RedisLoad;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/** The story that a newcomer is told, once through. Every sentence of it is measured or checked. */
final class Demo {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    /** Epochs after the first copy, so that the event meets a protection that has settled. */
    private static final int SETTLED_EPOCHS = 4;

    private final PrintStream out;
    private final Steps steps;
    private final Checks checks;
    private final boolean separate;
    private final Path json;

    /** @param json null for none */
    Demo(PrintStream out, boolean separate, Path json) {
        this.out = out;
        this.steps = new Steps(out);
        this.checks = new Checks(out);
        this.separate = separate;
        this.json = json;
    }

    /** @return whether every check held */
    boolean run() throws IOException {
        out.println("Decamp demo: a Redis server in a container leaves its node while a client keeps writing.");
        chapter("Two nodes on this machine");
        try (Cluster cluster = Cluster.up(separate, steps)) {
            chapter("A Redis server in a runc container on alpha, and a client");
            try (Guest guest = startGuest(cluster.lab())) {
                Move byDecamp = moveByDecamp(cluster, guest);
                chapter("The way back by plain CRIU: the same container, the same client, the same checks");
                Move byCriu = moveByCriu(cluster.lab(), guest);
                chapter("What it cost");
                conclude(new Comparison(byDecamp, byCriu));
            }
            steps.start("removing both nodes");
        }
        steps.done("nothing is left of them");
        return checks.verdict();
    }

    private void chapter(String title) {
        out.println();
        out.println(title);
    }

    private Guest startGuest(Lab lab) {
        steps.start("redis-server");
        Guest guest = Guest.start(lab);
        try {
            steps.done("runs as container " + Guest.ID);
            steps.start(guest.keys() + " keys");
            guest.fill();
            steps.done(Format.bytes(Guest.DATA_BYTES) + " of values that can be recomputed");
            steps.start("a client");
            guest.startClient();
            steps.done("writes a key and checks another, " + Guest.OPERATIONS_PER_SECOND + " times a second");
            return guest;
        } catch (RuntimeException | Error e) {
            guest.close();
            throw e;
        }
    }

    private Move moveByDecamp(Cluster cluster, Guest guest) {
        chapter("Protected: its memory is shipped to beta, over and over, long before anyone needs it there");
        EpochLines lines = new EpochLines(out);
        try (Watch watch = Watch.open(cluster.session(), guest.id(), lines::print);
                Monitoring monitoring = new Monitoring(cluster.broker().bootstrap())) {
            long linkBefore = received(cluster.lab().beta());
            protect(cluster, guest);
            watch.awaitEpochs(0, 1 + SETTLED_EPOCHS, LIMIT);
            lines.end();
            chapter("A failure of alpha is predicted");
            List<Long> source = guest.processes(cluster.lab().alpha());
            String line = prediction(guest.id());
            out.println("  " + Topics.MIGRATION_REQUESTED + " <- " + line);
            guest.forgetGaps();
            RedisLoad.Report before = guest.seen();
            Monitoring.Alarm alarm = monitoring.write(guest.id().value(), line);
            // beside the wait for the answer, which may be that the migration has failed
            var free = CompletableFuture.supplyAsync(() -> Guest.awaitEnd(source));
            Restored restored = watch.awaitRestored(alarm.migration(), LIMIT);
            double evictionMillis = ChronoUnit.NANOS.between(alarm.writtenAt(), free.join()) / 1e6;
            cluster.session().register().await(guest.id(), s -> s instanceof HandoffState.Owned, LIMIT);
            guest.awaitGoingOn();
            RedisLoad.Report after = guest.seen();
            out.printf(
                    Locale.ROOT,
                    "  the container runs on %s; alpha was free of it after %.0f ms%n",
                    restored.getTo(),
                    evictionMillis);
            double backMillis = ChronoUnit.NANOS.between(alarm.writtenAt(), after.largestGapEnd()) / 1e6;
            out.printf(
                    Locale.ROOT,
                    "  the client got no answer from %.0f to %.0f ms after the event%n",
                    backMillis - after.largestGapMillis(),
                    backMillis);
            judge(cluster.lab().alpha(), cluster.lab().beta(), guest, before, source.size());
            long shipped = restored.getBytesBefore() + restored.getBytesAfter();
            crossed(received(cluster.lab().beta()) - linkBefore, shipped);
            waterfall(cluster, alarm.migration());
            release(cluster, guest);
            return new Move(
                    restored.getFreezeMicros() / 1e3,
                    after.largestGapMillis(),
                    evictionMillis,
                    restored.getBytesBefore(),
                    restored.getBytesAfter());
        }
    }

    private static void protect(Cluster cluster, Guest guest) {
        WorkloadSpec wanted = WorkloadSpec.newBuilder()
                .setWorkload(guest.id().value())
                .setLocator(guest.id().value())
                .addNodes("alpha")
                .addNodes("beta")
                .build();
        cluster.session().publisher().send(EventType.WORKLOADS, wanted, LIMIT);
    }

    static String prediction(WorkloadId workload) {
        Instant deadline = Instant.now().plusSeconds(90).truncatedTo(ChronoUnit.SECONDS);
        return "{\"workload\":\"" + workload + "\",\"node\":\"alpha\",\"reason\":\"FAILURE_PREDICTED\","
                + "\"probability\":0.93,\"deadline\":\"" + deadline + "\","
                + "\"note\":\"412 corrected memory errors in an hour\"}";
    }

    private void judge(Lab.Node from, Lab.Node to, Guest guest, RedisLoad.Report before, int processes) {
        RedisLoad.Report now = guest.seen();
        checks.expect(
                "the client was cut off, came back and goes on",
                now.reconnects() > before.reconnects() && now.writes() > before.writes(),
                now.writes() - before.writes() + " writes since, now on " + to);
        List<Long> left = guest.processes(from);
        String there = guest.container().status(from);
        checks.expect(
                "no process of it is left on " + from,
                left.isEmpty() && there.equals("absent"),
                left.isEmpty() ? "none, and runc knows no such container" : left + ", runc says " + there);
        List<Long> copy = guest.processes(to);
        String here = guest.container().status(to);
        checks.expect(
                "exactly one copy runs",
                copy.size() == processes && here.equals("running"),
                "processes: " + copy.size() + " on " + to + ", " + left.size() + " on " + from + "; runc on " + to
                        + " says " + here);
        List<String> wrong = guest.compareAllKeys();
        checks.expect(
                "every key holds what was last acknowledged",
                wrong.isEmpty(),
                wrong.isEmpty() ? guest.keys() + " keys compared" : String.join("; ", wrong));
    }

    private void crossed(long linkBytes, long shippedBytes) {
        checks.expect(
                "its memory crossed the link",
                linkBytes >= shippedBytes && shippedBytes >= Guest.DATA_BYTES,
                Format.bytes(shippedBytes) + " shipped, " + Format.bytes(linkBytes) + " counted on the link");
    }

    private static long received(Lab.Node node) {
        return node.counters().receivedBytes();
    }

    private void waterfall(Cluster cluster, String migration) {
        chapter("Where the time went (./decamp trace)");
        out.print(TraceCommand.waterfall(cluster.spanDirectories(), migration));
    }

    private static void release(Cluster cluster, Guest guest) {
        cluster.session().publisher().remove(EventType.WORKLOADS, guest.id().value(), LIMIT);
        cluster.session().register().await(guest.id(), s -> s instanceof HandoffState.Unowned, LIMIT);
    }

    private Move moveByCriu(Lab lab, Guest guest) {
        steps.start("runc checkpoint on beta, copy over the link, runc restore on alpha");
        List<Long> source = guest.processes(lab.beta());
        guest.forgetGaps();
        RedisLoad.Report before = guest.seen();
        long linkBefore = received(lab.alpha());
        PlainCriu.Move move = new PlainCriu(lab.beta(), lab.alpha()).move(guest.container());
        steps.done("dump " + Format.micros(Math.round(move.dumpMillis() * 1e3)) + ", copy "
                + Format.micros(Math.round(move.copyMillis() * 1e3)) + ", restore "
                + Format.micros(Math.round(move.restoreMillis() * 1e3)));
        guest.awaitGoingOn();
        double downtimeMillis = guest.seen().largestGapMillis();
        judge(lab.beta(), lab.alpha(), guest, before, source.size());
        crossed(received(lab.alpha()) - linkBefore, move.bytesAfter());
        double stoodStill = move.dumpMillis() + move.copyMillis() + move.restoreMillis();
        return new Move(stoodStill, downtimeMillis, move.evictionMillis(), 0, move.bytesAfter());
    }

    private void conclude(Comparison comparison) throws IOException {
        out.print(comparison);
        out.println("  One run of each, same container and link. Plain CRIU's freeze is its dump, copy and restore.");
        if (json != null) {
            comparison.write(json, separate, checks.all());
        }
    }
}
