package io.decamp.cli.bench;

import io.decamp.cli.TraceCommand;
import io.decamp.cli.launch.Cluster;
import io.decamp.cli.launch.Watch;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.v1.Policy;
import io.decamp.contracts.v1.Restored;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Lab;
import io.decamp.testkit.PlainCriu;
import io.decamp.testkit.PostCopyCriu;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/** Moves one self-checking workload after another from alpha to beta, with each engine in turn. */
final class EvictBench {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    /** Epochs after the first copy, so that the request meets a protection that has settled. */
    private static final int SETTLED_EPOCHS = 4;
    /** The workload must have run on after its move for the gap to have ended. */
    private static final int LINES_AFTER = 100;

    private final Cluster cluster;
    private final String kind;
    private final ChainSpec spec;
    private String lastMigration;

    EvictBench(Cluster cluster, String kind, ChainSpec spec) {
        this.cluster = cluster;
        this.kind = kind;
        this.spec = spec;
    }

    EvictRun byDecamp(int run) {
        Lab lab = cluster.lab();
        try (Subject subject = Subject.start(kind, lab, spec, EvictRun.DECAMP + run);
                Watch watch = Watch.open(cluster.session(), subject.id(), epoch -> {})) {
            Asking.protect(cluster, subject.id(), Policy.getDefaultInstance());
            watch.awaitEpochs(0, 1 + SETTLED_EPOCHS, LIMIT);
            CompletableFuture<Instant> sourceFree = Asking.exitOf(subject.log().init());
            EventHeader asked = Asking.evict(cluster, subject.id(), false);
            Restored restored = watch.awaitRestored(asked.id(), LIMIT);
            subject.log().awaitLines(LINES_AFTER, LIMIT);
            double freeAt = seconds(sourceFree.join());
            Asking.release(cluster, subject.id());
            ChainOracle.Report end = subject.log().stopAndJudge();
            double asked0 = seconds(asked.time());
            lastMigration = asked.id();
            return new EvictRun(
                    EvictRun.DECAMP,
                    restored.getFreezeMicros() / 1e3,
                    largestGap(end, asked0),
                    (freeAt - asked0) * 1e3,
                    restored.getBytesBefore(),
                    restored.getBytesAfter(),
                    end.verified());
        }
    }

    /** Where the time of the last move by Decamp went. */
    String lastTrace() {
        return TraceCommand.waterfall(cluster.spanDirectories(), lastMigration);
    }

    EvictRun byCriu(int run) {
        return byPeer(EvictRun.CRIU, run, (subject, lab) -> subject.moveBy(new PlainCriu(lab.alpha(), lab.beta())));
    }

    EvictRun byPostCopy(int run) {
        return byPeer(
                EvictRun.POST_COPY, run, (subject, lab) -> subject.moveBy(new PostCopyCriu(lab.alpha(), lab.beta())));
    }

    private EvictRun byPeer(String engine, int run, BiFunction<Subject, Lab, PlainCriu.Move> peer) {
        Lab lab = cluster.lab();
        try (Subject subject = Subject.start(kind, lab, spec, engine + run)) {
            PlainCriu.Move move = peer.apply(subject, lab);
            subject.log().awaitLines(LINES_AFTER, LIMIT);
            ChainOracle.Report end = subject.log().stopAndJudge();
            return new EvictRun(
                    engine,
                    Double.NaN,
                    largestGap(end, move.requestedAtSeconds()),
                    move.evictionMillis(),
                    0,
                    move.bytesAfter(),
                    end.verified());
        }
    }

    private static double largestGap(ChainOracle.Report report, double afterSeconds) {
        return report.gaps().stream()
                .filter(g -> g.toSeconds() > afterSeconds)
                .mapToDouble(ChainOracle.Gap::millis)
                .max()
                .orElse(0);
    }

    private static double seconds(Instant t) {
        return t.getEpochSecond() + t.getNano() / 1e9;
    }
}
