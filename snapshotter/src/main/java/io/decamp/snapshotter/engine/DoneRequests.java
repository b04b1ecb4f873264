package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Requests that need not be acted on any more: they were refused, have failed, or their OFFER is in the hands of the
 * register. A service that was killed is given again what it had read last; by then the workload may have come back, and a
 * request of before must not move it a second time. Thread safe.
 */
final class DoneRequests {
    private static final Logger LOG = Logger.getLogger(DoneRequests.class);

    /** Far more than one node is asked for while a request is valid. */
    static final int LIMIT = 1024;

    private final Path file;
    private final Deque<String> order = new ArrayDeque<>();
    private final Set<String> done = new HashSet<>();
    private int lines;

    /** @param stateDirectory of the node */
    DoneRequests(Path stateDirectory) {
        file = stateDirectory.resolve("requests-done");
        try {
            if (Files.exists(file)) {
                Files.readAllLines(file).forEach(this::remember);
            }
        } catch (IOException e) {
            throw DecampException.retry(
                    "state-directory", "Cannot read " + file, "Is the state directory readable? Repair it", e);
        }
    }

    synchronized boolean contains(String migration) {
        return done.contains(migration);
    }

    /** Idempotent. Not synced to the disk: a request does not hold for as long as a reboot takes. */
    synchronized void add(String migration) {
        if (!remember(migration)) {
            return;
        }
        try {
            Files.createDirectories(file.getParent());
            if (lines > 2 * LIMIT) {
                List<String> kept = new ArrayList<>(order);
                Path next = file.resolveSibling(file.getFileName() + ".next");
                Files.write(next, kept);
                Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                lines = kept.size();
            } else {
                Files.writeString(file, migration + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            }
        } catch (IOException e) {
            // the workload matters more; without the note, a request may be acted on twice after a crash within a minute
            LOG.warnf("Cannot write %s: %s", file, e);
        }
    }

    private boolean remember(String migration) {
        if (!done.add(migration)) {
            return false;
        }
        lines++;
        order.addLast(migration);
        if (order.size() > LIMIT) {
            done.remove(order.removeFirst());
        }
        return true;
    }
}
