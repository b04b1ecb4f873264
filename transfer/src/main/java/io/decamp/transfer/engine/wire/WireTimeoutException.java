package io.decamp.transfer.engine.wire;

import java.io.IOException;
import java.time.Duration;

/** The peer kept silent, or kept from reading, for longer than allowed. */
public final class WireTimeoutException extends IOException {
    private static final long serialVersionUID = 1;

    WireTimeoutException(String waitedFor, Duration patience) {
        super("no progress within " + patience.toMillis() + " ms while waiting for " + waitedFor);
    }
}
