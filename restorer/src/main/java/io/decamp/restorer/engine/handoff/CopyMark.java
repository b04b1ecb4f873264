package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.handoff.Digest;

/**
 * Which try a copy or a replica belongs to.
 *
 * @param term that the OFFER of it opens
 */
public record CopyMark(long term, Digest digest) {}
