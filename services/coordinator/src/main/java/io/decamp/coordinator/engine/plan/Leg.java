package io.decamp.coordinator.engine.plan;

/**
 * A candidate with the destination that was found for it.
 *
 * @param finishMicros when it is away, counted from now, if all goes as predicted
 */
public record Leg(Candidate candidate, String destination, long finishMicros) {}
