package io.decamp.restorer.engine.lazy;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The page server as a process of its own: takes over every copy below a directory whose page server is gone, serves
 * them until their memory is in place, and ends. Prints a line for each event:
 *
 * <pre>
 * serving ID
 * complete ID BYTES bytes, MILLIS ms, FAULTS faults
 * lost ID CODE MESSAGE
 * </pre>
 *
 * <p>Exit status 0: all complete; 1: something was lost; 2: usage.
 */
public final class LazyPageServerMain implements LazyPages.Listener {
    private final List<String> freeze;
    private final Set<WorkloadId> unfinished = new HashSet<>();
    private boolean anyLost;

    private LazyPageServerMain(List<String> freeze) {
        this.freeze = freeze;
    }

    /** Arguments: the directory, and the command that freezes a copy whose memory is lost; its id is appended. */
    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length < 2) {
            System.err.println("usage: LazyPageServerMain DIRECTORY FREEZE-COMMAND...");
            System.exit(2);
        }
        List<String> words = List.of(arguments);
        System.exit(new LazyPageServerMain(words.subList(1, words.size())).serve(Path.of(words.getFirst())));
    }

    private synchronized int serve(Path root) throws InterruptedException {
        try (LazyPageServers servers = new LazyPageServers(root, this)) {
            for (WorkloadId id : servers.takeOver()) {
                if (servers.state(id) != LazyPages.State.NONE) {
                    unfinished.add(id);
                    System.out.println("serving " + id);
                }
            }
            while (!unfinished.isEmpty()) {
                wait();
            }
        }
        return anyLost ? 1 : 0;
    }

    @Override
    public synchronized void onComplete(WorkloadId id, LazyPages.Report report) {
        System.out.println("complete " + id + " " + report.filledBytes() + " bytes, " + report.fillMillis() + " ms, "
                + report.faults() + " faults");
        finished(id);
    }

    @Override
    public void onLost(WorkloadId id, DecampException reason) {
        List<String> command = new ArrayList<>(freeze);
        command.add(id.value());
        try {
            int status = new ProcessBuilder(command).inheritIO().start().waitFor();
            System.out.println("lost " + id + " " + reason.code() + " " + reason.getMessage() + "; freezing ended with "
                    + status);
        } catch (IOException e) {
            System.out.println("lost " + id + " " + reason.code() + " " + reason.getMessage() + "; can't freeze: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            anyLost = true;
            finished(id);
        }
    }

    private void finished(WorkloadId id) {
        unfinished.remove(id);
        notifyAll();
    }
}
