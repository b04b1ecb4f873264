package io.decamp.cli.soak;

/** Where a move is when a fault hits it; in order. */
public enum Phase {
    /** Nobody has asked for a move. */
    PROTECTING,
    /** The request was acknowledged by the broker. */
    REQUESTED,
    /** The source has noted that it freezes. */
    FREEZING,
    /** criu holds the workload, with its state written. */
    HELD,
    /** The OFFER may have been sent. */
    OFFERING,
    /** The destination makes its copy. */
    PREPARING,
    /** The register says that the destination took it. */
    TAKEN,
    /** The destination has noted that its copy may run. */
    RELEASED,
    /** The register says that the destination owns it. */
    MOVED
}
