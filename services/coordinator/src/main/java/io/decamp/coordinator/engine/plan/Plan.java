package io.decamp.coordinator.engine.plan;

import java.util.List;

/**
 * Who leaves a node in which order.
 *
 * @param inTime in the order in which they start; all are away before the deadline, if all goes as predicted
 * @param late in the order in which they are tried when time is left; they are predicted to miss the deadline
 * @param homeless for whom no node has room
 * @param value sum of the weights in {@link #inTime}
 * @param exact no order gets a greater value, under this model
 */
public record Plan(List<Leg> inTime, List<Leg> late, List<Candidate> homeless, double value, boolean exact) {
    public Plan {
        inTime = List.copyOf(inTime);
        late = List.copyOf(late);
        homeless = List.copyOf(homeless);
    }

    /** Nobody can be late. */
    Plan withoutDeadline() {
        double all = late.stream().mapToDouble(leg -> leg.candidate().weight()).sum();
        return new Plan(late, List.of(), homeless, all, exact);
    }

    /** When the last one that is in time is away; 0 when there is none. */
    public long finishMicros() {
        return inTime.stream().mapToLong(Leg::finishMicros).max().orElse(0);
    }
}
