package io.decamp.snapshotter.engine.control;

import io.decamp.contracts.v1.Objective;

/**
 * Chooses the interval and which pages stay open: the cheapest with which an eviction stays within the objective,
 * inside the bounds on overhead and bandwidth; when none does, the fastest eviction that the bounds allow, and says
 * so. Without an objective, evictions are kept as short as the bounds allow. One instance a workload; called from its
 * loop only.
 */
public final class Controller {
    /** At most so much longer at once: the curve is learned from the interval before. Shorter goes at once. */
    private static final double LONGEST_STEP = 2;
    /** What is chosen stays while it is not worse than this against any bound, so that the interval does not jitter. */
    private static final double SLACK = 1.05;
    /** A change by less is no gain. */
    private static final double WORTH = 1.4;
    /** Where the objective can't be met, a faster eviction by less is no gain. */
    private static final double WORTH_FASTER = 1.15;
    /** While nothing is known. */
    private static final double FIRST_SECONDS = 0.5;
    /** Scans that must have taught something before an objective is judged. */
    private static final int LEARNING_SCANS = 3;
    /** Room left below the objective for what a prediction is off by. */
    private static final double LEAST_MARGIN = 0.05;

    private static final double MOST_MARGIN = 0.3;
    private static final double USUAL_MARGIN = 0.1;

    private Goals goals;
    private Choice last;

    public Controller(Goals goals) {
        this.goals = goals;
    }

    /** From the next decision on. */
    public void adopt(Goals newGoals) {
        goals = newGoals;
        last = null;
    }

    /** Decides for the time until it is asked again. */
    public Decision decide(Situation now) {
        Search search = new Search(now, goals);
        if (now.scansLearned() == 0) {
            double first = Math.clamp(FIRST_SECONDS, goals.shortestSeconds(), goals.longestSeconds());
            return decision(search.at(first, Double.POSITIVE_INFINITY), Verdicts.learning(goals, 0));
        }
        double margin = now.predictionErrorMostly() > 0
                ? Math.clamp(now.predictionErrorMostly(), LEAST_MARGIN, MOST_MARGIN)
                : USUAL_MARGIN;
        Choice target = goals.hasObjective() ? search.cheapest(c -> within(c, margin)) : search.shortest();
        boolean meets = target != null;
        if (target == null) {
            target = search.fastest();
        } else if (goals.hasObjective()) {
            target = search.watchful(target);
        }
        last = steady(search, target, meets, margin);
        if (!goals.hasObjective()) {
            return decision(last, Objective.newBuilder()
                    .setState(Objective.State.NONE)
                    .setMaxOverhead(goals.maxOverhead())
                    .setBestPossibleMicros(last.evictionMicros())
                    .build());
        }
        Objective objective = now.scansLearned() < LEARNING_SCANS
                ? Verdicts.learning(goals, last.evictionMicros())
                : Verdicts.of(now, goals, last);
        return decision(last, objective);
    }

    private boolean within(Choice c, double margin) {
        return c.evictionMicros() * (1 + margin) <= goals.evictWithinMicros();
    }

    /** Stays with what was chosen last while that is nearly as good, and lengthens by steps. */
    private Choice steady(Search search, Choice target, boolean meets, double margin) {
        if (last == null) {
            return target;
        }
        Choice same = search.at(last.seconds, last.openAtWrites);
        double ratio = target.seconds / last.seconds;
        if (same.keepsBounds(goals, SLACK) && asGood(same, target, meets, ratio, margin)) {
            return same;
        }
        if (ratio > LONGEST_STEP) {
            Choice step = search.at(last.seconds * LONGEST_STEP, target.openAtWrites);
            if (step.keepsBounds(goals, 1)) {
                return step;
            }
        }
        return target;
    }

    private boolean asGood(Choice same, Choice target, boolean meets, double ratio, double margin) {
        if (goals.hasObjective() && !meets) {
            return same.evictionMicros() <= target.evictionMicros() * WORTH_FASTER;
        }
        boolean near = ratio < WORTH && ratio > 1 / WORTH;
        return near
                && (goals.hasObjective()
                        ? within(same, margin / 2)
                        : same.openAtWrites == target.openAtWrites);
    }

    private static Decision decision(Choice c, Objective objective) {
        return new Decision(
                c.seconds,
                c.openAbove,
                Math.round(c.probePages),
                c.prediction(),
                c.overhead,
                c.faultsPerSecond,
                c.bytesPerSecond,
                objective);
    }
}
