package io.decamp.introspector.engine.memory;

/** An incarnation of a process's memory ended while it was looked at: nothing is wrong, it is dropped. */
public final class SpaceGoneException extends RuntimeException {
    public SpaceGoneException(int pid, Throwable cause) {
        super("Address space of process " + pid + " has ended", cause, false, false);
    }
}
