package io.decamp.cli;

import io.decamp.contracts.error.DecampException;

/** What {@code ./decamp} ends with; listed in its help. */
public final class ExitCode {
    public static final int DONE = 0;
    public static final int FAILED = 1;
    public static final int USAGE = 2;
    public static final int REFUSED = 3;

    private ExitCode() {}

    static int of(DecampException.Category category) {
        return switch (category) {
            case REFUSED -> REFUSED;
            case RETRY, ABORT, FATAL -> FAILED;
        };
    }
}
