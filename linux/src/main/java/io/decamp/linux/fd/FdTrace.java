package io.decamp.linux.fd;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Remembers where each owned descriptor was opened, so that a test can name the line that leaks. Off unless a test
 * starts it: a stack trace per descriptor costs microseconds.
 */
public final class FdTrace {
    private static final Map<Integer, Throwable> OPEN = new ConcurrentHashMap<>();
    private static volatile boolean on;

    private FdTrace() {}

    /** Forgets everything and starts to remember. */
    public static void start() {
        OPEN.clear();
        on = true;
    }

    /**
     * Stops. @return one throwable per descriptor opened since {@link #start} and still owned; its stack is the place
     */
    public static List<Throwable> stop() {
        on = false;
        List<Throwable> leaked = List.copyOf(OPEN.values());
        OPEN.clear();
        return leaked;
    }

    static void opened(int fd, String what) {
        if (on) {
            OPEN.put(fd, new Throwable("fd " + fd + " (" + what + ") was opened here"));
        }
    }

    static void closed(int fd) {
        if (on) {
            OPEN.remove(fd);
        }
    }
}
