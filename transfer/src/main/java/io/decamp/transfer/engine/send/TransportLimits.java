package io.decamp.transfer.engine.send;

import java.time.Duration;

/**
 * How long a sender waits.
 *
 * @param connect for TCP to connect: a host on the same network answers in milliseconds, a dead one never
 * @param handshake for TLS, and for the answer to HELLO
 * @param sealAck for the receiver to apply an epoch; a large SAME_AS may copy gigabytes
 */
public record TransportLimits(Duration connect, Duration handshake, Duration sealAck) {
    public static final TransportLimits DEFAULT =
            new TransportLimits(Duration.ofSeconds(5), Duration.ofSeconds(15), Duration.ofSeconds(120));
}
