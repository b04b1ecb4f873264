package io.decamp.coordinator.engine.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Orders the workloads of a node that is to be emptied. With a deadline: so that what is away by then is worth most. Up
 * to {@link ExactSearch#MAX_CANDIDATES} the best order under the {@link Timeline} model is found; beyond that a good
 * one. Without a deadline: what gives most value for its time first, which keeps the sum of weighted waiting times
 * small (Smith's rule). Pure; no state.
 */
public final class Planner {
    private final int slots;

    /** @param slots moves at a time */
    public Planner(int slots) {
        this.slots = slots;
    }

    /**
     * @param timeline what moves already
     * @param deadlineMicros from now; empty for none
     */
    public Plan plan(List<Candidate> candidates, Timeline timeline, Rooms rooms, OptionalLong deadlineMicros) {
        List<Candidate> ordered =
                candidates.stream().sorted(GreedySearch.density(slots)).toList();
        if (deadlineMicros.isEmpty()) {
            return oneAfterTheOther(ordered, timeline, rooms);
        }
        long deadline = deadlineMicros.getAsLong();
        Sequence best = GreedySearch.best(ordered, timeline, rooms, deadline, slots);
        Sequence exact = ordered.size() > ExactSearch.MAX_CANDIDATES
                ? null
                : ExactSearch.best(ordered, best, Sequence.empty(timeline, rooms), deadline);
        return withTheRest(ordered, exact == null ? best : exact, exact != null);
    }

    private static Plan oneAfterTheOther(List<Candidate> ordered, Timeline timeline, Rooms rooms) {
        return withTheRest(ordered, Sequence.empty(timeline, rooms), true).withoutDeadline();
    }

    private static Plan withTheRest(List<Candidate> ordered, Sequence chosen, boolean exact) {
        List<Candidate> rest = new ArrayList<>(ordered);
        chosen.legs().forEach(leg -> rest.remove(leg.candidate()));
        Sequence all = chosen;
        List<Candidate> homeless = new ArrayList<>();
        for (Candidate c : rest) {
            Sequence longer = all.then(c, Long.MAX_VALUE);
            if (longer == null) {
                homeless.add(c);
            } else {
                all = longer;
            }
        }
        List<Leg> late = all.legs().subList(chosen.legs().size(), all.legs().size());
        return new Plan(chosen.legs(), late, homeless, chosen.value(), exact);
    }
}
