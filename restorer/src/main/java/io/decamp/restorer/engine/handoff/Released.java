package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.handoff.Digest;

/**
 * Says that instructions of the copy may have run. Durable before the copy is let run: from then on it is never
 * destroyed and given back, since what it did can't be taken back.
 *
 * @param bootId {@code /proc/sys/kernel/random/boot_id} of the boot it was released in: after another one it is lost
 */
public record Released(long term, Digest digest, String bootId) {}
