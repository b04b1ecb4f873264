package io.decamp.transfer.engine.replica;

import java.time.Duration;

/**
 * What a receiver bears.
 *
 * @param connections at once; each has a thread and some 4 MiB of buffers
 * @param handshake for TLS and HELLO, so that strangers cannot hold connections
 * @param withinEpoch silence of a sender that has begun an epoch
 * @param betweenEpochs silence of a sender that has not; keepalive notices a dead host much earlier
 */
public record ReceiverLimits(int connections, Duration handshake, Duration withinEpoch, Duration betweenEpochs) {
    public static final ReceiverLimits DEFAULT =
            new ReceiverLimits(64, Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofHours(1));
}
