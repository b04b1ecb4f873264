package io.decamp.cli;

import io.decamp.contracts.error.DecampException;

/** Refused before anything was changed; there is no workload to speak of yet: exit 2. */
final class CannotStartException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CannotStartException(DecampException reason) {
        super(reason.getMessage(), reason);
    }

    @Override
    public synchronized DecampException getCause() {
        return (DecampException) super.getCause();
    }
}
