package io.decamp.coordinator.engine;

import io.decamp.coordinator.engine.plan.Candidate;
import io.decamp.coordinator.engine.plan.Leg;
import io.decamp.coordinator.engine.plan.Plan;
import io.decamp.coordinator.engine.plan.Planner;
import io.decamp.coordinator.engine.plan.Rooms;
import io.decamp.coordinator.engine.plan.Timeline;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** Plans anew when something has changed enough to matter, and keeps to the plan otherwise. One thread. */
final class PlanKeeper {
    /** Predictions wander with every epoch; what differs by less than this is the same. */
    private static final double NOTICEABLE = 0.2;
    /** And by less than this, for one that is tiny. */
    private static final long NOTICEABLE_MICROS = 20_000;
    /** Room and links change without a word; a stale plan costs more than a new one. */
    private static final long MAX_AGE_MILLIS = 5_000;

    private final Planner planner;
    private Map<String, Candidate> plannedFor = Map.of();
    private List<String> order = List.of();
    private Plan plan = new Plan(List.of(), List.of(), List.of(), 0, true);
    private long plannedAtMillis;
    private int plans;
    private boolean replanned;

    PlanKeeper(int slots) {
        planner = new Planner(slots);
    }

    Plan plan(List<Candidate> candidates, Timeline timeline, Rooms rooms, long deadlineUnixMillis, long nowMillis) {
        boolean old = nowMillis - plannedAtMillis > MAX_AGE_MILLIS;
        if (!old && isAsPlanned(candidates)) {
            return plan;
        }
        OptionalLong left = deadlineUnixMillis > 0
                ? OptionalLong.of(Math.max(0, (deadlineUnixMillis - nowMillis) * 1000))
                : OptionalLong.empty();
        plan = planner.plan(candidates, timeline, rooms, left);
        plannedAtMillis = nowMillis;
        plannedFor = new HashMap<>();
        candidates.forEach(c -> plannedFor.put(c.workload(), c));
        countIfOtherwise();
        return plan;
    }

    /** A plan of which the first were started is still the same plan. */
    private void countIfOtherwise() {
        List<String> now = Stream.of(plan.inTime(), plan.late())
                .flatMap(List::stream)
                .map(PlanKeeper::name)
                .toList();
        List<String> before = order.stream().filter(now::contains).toList();
        if (!before.equals(now)) {
            plans++;
            replanned = true;
        }
        order = now;
    }

    private static String name(Leg leg) {
        return leg.candidate().workload() + " to " + leg.destination();
    }

    private boolean isAsPlanned(List<Candidate> candidates) {
        return candidates.size() == plannedFor.size()
                && candidates.stream().allMatch(c -> isSame(c, plannedFor.get(c.workload())));
    }

    private static boolean isSame(Candidate now, Candidate then) {
        if (then == null || !then.standby().equals(now.standby()) || !then.avoided().equals(now.avoided())) {
            return false;
        }
        long difference = Math.abs(now.aloneMicros() - then.aloneMicros());
        return difference <= Math.max(NOTICEABLE_MICROS, NOTICEABLE * then.aloneMicros());
    }

    /** @return whether the order has changed since this was last asked */
    boolean takeReplanned() {
        boolean was = replanned;
        replanned = false;
        return was;
    }

    /** Plans that differed from the one before, since {@link #forgetPlans}. */
    int plans() {
        return plans;
    }

    void forgetPlans() {
        plans = 0;
    }
}
