package io.decamp.contracts.event;

/** Codes of {@code migration-failed} that those who read it must tell apart. */
public final class MigrationFailedCodes {
    /** The workload is frozen for longer than usual; the migration goes on, its end is told later. */
    public static final String STILL_FROZEN = "still-frozen";

    private MigrationFailedCodes() {}
}
