package io.decamp.snapshotter.engine.propagation;

/**
 * What the link to a standby gives, in bytes a second. What the session has measured counts; where it can't tell, the
 * time that sending took, beyond what buffers on the way swallow. Written by the sending thread, read by any.
 */
public final class LinkMeter {
    /** Socket buffers and a token bucket's burst take so much in no time. */
    private static final long SWALLOWED_BYTES = 16 << 20;
    /** Of sending, before it is worth a measure. */
    private static final long LEAST_NANOS = 20_000_000;
    /** The past counts half after so many bytes. */
    private static final double FORGETTING_BYTES = 32 << 20;

    private volatile long capBytesPerSecond;
    private volatile long told;
    private volatile long measured;
    private long swallowed;
    private double bytes;
    private double nanos;

    /** Another connection, with nothing on its way. @param cap that the policy sets, in bytes a second; 0: none */
    public void connected(boolean sameNode, long cap) {
        capBytesPerSecond = cap;
        swallowed = 0;
        if (!sameNode) {
            told = 0;
            measured = 0;
            bytes = 0;
            nanos = 0;
        }
    }

    /** The link has been idle: buffers are empty again. */
    public void idle() {
        swallowed = 0;
    }

    /**
     * @param took time inside of the send, in nanoseconds
     * @param sessionSays what the session has measured; 0: can't tell
     */
    public void sent(long sentBytes, long took, long sessionSays) {
        if (sessionSays > 0) {
            told = sessionSays;
        }
        if (swallowed < SWALLOWED_BYTES) {
            swallowed += sentBytes;
            return;
        }
        double keep = Math.exp(-sentBytes / FORGETTING_BYTES);
        bytes = bytes * keep + sentBytes;
        nanos = nanos * keep + took;
        if (nanos >= LEAST_NANOS) {
            measured = Math.round(bytes * 1e9 / nanos);
        }
    }

    /** 0 when nobody can tell yet. */
    public long bytesPerSecond() {
        long link = told > 0 ? told : measured;
        return capBytesPerSecond > 0 && (link == 0 || link > capBytesPerSecond) ? capBytesPerSecond : link;
    }
}
