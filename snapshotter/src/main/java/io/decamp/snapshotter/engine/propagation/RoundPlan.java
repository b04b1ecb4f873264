package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;

/**
 * What a round sends, in this order.
 *
 * @param send BYTES runs
 * @param end why the round ends when all of it has been sent
 * @param limitNanos the round ends earlier when this time is over; {@link Long#MAX_VALUE}: none
 */
public record RoundPlan(PageRuns send, RoundEnd end, long limitNanos) {}
