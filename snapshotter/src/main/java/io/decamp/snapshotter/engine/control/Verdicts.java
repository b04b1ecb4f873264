package io.decamp.snapshotter.engine.control;

import io.decamp.contracts.v1.Objective;
import io.decamp.snapshotter.engine.model.Prediction;
import java.util.Locale;

/** Says whether an objective is attained; if not, what is possible and what stands in the way. */
final class Verdicts {
    /** As good as no limit: memory on the same machine. */
    private static final double FREE_LINK = 10e9;

    private Verdicts() {}

    static Objective learning(Goals goals, long predictedMicros) {
        return Objective.newBuilder()
                .setState(goals.hasObjective() ? Objective.State.LEARNING : Objective.State.NONE)
                .setEvictWithinMicros(goals.evictWithinMicros())
                .setMaxOverhead(goals.maxOverhead())
                .setBestPossibleMicros(predictedMicros)
                .build();
    }

    static Objective of(Situation now, Goals goals, Choice chosen) {
        Objective.Builder objective = Objective.newBuilder()
                .setEvictWithinMicros(goals.evictWithinMicros())
                .setMaxOverhead(goals.maxOverhead());
        boolean inTime = chosen.evictionMicros() <= goals.evictWithinMicros();
        if (inTime && chosen.keepsOverhead(goals, 1.1)) {
            return objective
                    .setState(Objective.State.ATTAINED)
                    .setBestPossibleMicros(chosen.evictionMicros())
                    .build();
        }
        objective.setState(Objective.State.NOT_ATTAINABLE);
        if (inTime) {
            return objective
                    .setBestPossibleMicros(chosen.evictionMicros())
                    .setLimitedBy("overhead")
                    .setReason(String.format(
                            Locale.ROOT,
                            "an overhead of %s is not attainable: tracking takes %s at least,"
                                    + " of which scanning %s every %.1f s; allow more, or longer intervals",
                            percent(goals.maxOverhead()),
                            percent(chosen.overhead),
                            millis(now.costs().scanMicros()),
                            chosen.seconds))
                    .build();
        }
        Choice best = new Search(now, goals).fastest();
        long possible = Math.min(best.evictionMicros(), chosen.evictionMicros());
        Limit limit = limit(now, goals, best);
        return objective
                .setBestPossibleMicros(possible)
                .setLimitedBy(limit.name)
                .setReason(String.format(
                        Locale.ROOT,
                        "%s is not attainable: best possible is %s, because %s",
                        millis(goals.evictWithinMicros()),
                        millis(possible),
                        limit.because))
                .build();
    }

    private record Limit(String name, String because) {}

    private static Limit limit(Situation now, Goals goals, Choice best) {
        Goals anyOverhead = goals.withoutOverheadBound();
        Situation freeLink = now.withCosts(now.costs().withLink(FREE_LINK));
        long unbound = new Search(now, anyOverhead).fastest().evictionMicros();
        long unlinked = new Search(freeLink, goals.withoutBandwidthCap()).fastest().evictionMicros();
        long neither =
                new Search(freeLink, anyOverhead.withoutBandwidthCap()).fastest().evictionMicros();
        Prediction p = best.prediction();
        if (neither > goals.evictWithinMicros()) {
            // not even with all the processor and network there is
            return floor(now, p);
        }
        return unbound < unlinked
                ? new Limit(
                        "overhead",
                        String.format(
                                Locale.ROOT,
                                "following a workload that writes %.0f pages in a second more closely"
                                        + " takes more than %s of a processor",
                                now.curve().written(1),
                                percent(goals.maxOverhead())))
                : new Limit(
                        "bandwidth",
                        String.format(
                                Locale.ROOT,
                                "the last rounds alone take %s at %.1f MB/s",
                                millis(p.roundsMicros()
                                        + Math.max(0, p.overlappedMicros() - now.costs().freezeMicros())),
                                Math.min(now.costs().sendBytesPerSecond(), capOrMore(goals)) / 1e6));
    }

    private static double capOrMore(Goals goals) {
        return goals.bandwidthBytesPerSecond() > 0 ? goals.bandwidthBytesPerSecond() : Double.POSITIVE_INFINITY;
    }

    private static Limit floor(Situation now, Prediction p) {
        double gib = now.costs().trackedBytes() / (double) (1 << 30);
        return now.costs().freezeMicros() + p.finalDeltaMicros() >= p.handOffMicros()
                ? new Limit(
                        "freeze",
                        String.format(
                                Locale.ROOT,
                                "freezing %.2f GiB alone takes %s, its final delta and state %s",
                                gib,
                                millis(now.costs().freezeMicros()),
                                millis(p.finalDeltaMicros())))
                : new Limit(
                        "restore",
                        String.format(Locale.ROOT, "restore and hand-off alone take %s", millis(p.handOffMicros())));
    }

    private static String millis(double micros) {
        return micros >= 10e6
                ? String.format(Locale.ROOT, "%.1f s", micros / 1e6)
                : String.format(Locale.ROOT, "%.0f ms", micros / 1e3);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2g %%", share * 100);
    }
}
