package io.decamp.snapshotter.engine.handoff;

import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.id.NodeId;

/**
 * Says that an OFFER may have been sent. Written before it is sent, kept until the workload was thawed or killed:
 * without one, what is frozen here was never offered and may run on, whatever the register says or does not say.
 *
 * @param term the one that the OFFER opens
 * @param offeredAtUnixMillis from which the limit for TAKE counts, also after a restart
 */
public record OfferMark(long term, NodeId to, Digest digest, String migration, long offeredAtUnixMillis) {}
