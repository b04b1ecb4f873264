package io.decamp.restorer.engine.lazy;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Hands the memory that is still missing to the fillers, in passes over all spaces: what could not be placed in one pass,
 * because the workload was changing its mappings, comes again in the next. Thread safe.
 */
final class FillPlan {
    /** A range that one filler works on. */
    record Claim(ServedSpace space, long start, long end) {}

    /** How long to let the workload finish what it does to its mappings before a pass that would again do nothing. */
    private static final long PAUSE_MILLIS = 5;

    /** Mappings don't take this long to change; memory pressure may. */
    static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final CopyOnWriteArrayList<ServedSpace> spaces = new CopyOnWriteArrayList<>();
    private final Runnable whenEmpty;
    private final LongSupplier nanos;
    private int position;
    private long cursor;
    private int inFlight;
    private long settledInPass;
    private long settledBytes;
    private long progressNanos;
    private boolean stopped;

    /** @param whenEmpty is told, again and again until {@link #stop}, that nothing is missing */
    FillPlan(Runnable whenEmpty) {
        this(whenEmpty, System::nanoTime);
    }

    FillPlan(Runnable whenEmpty, LongSupplier nanos) {
        this.whenEmpty = whenEmpty;
        this.nanos = nanos;
        this.progressNanos = nanos.getAsLong();
    }

    /** Fillers start now: a copy may have been held for long before. */
    synchronized void begin() {
        progressNanos = nanos.getAsLong();
    }

    void add(ServedSpace space) {
        spaces.add(space);
    }

    List<ServedSpace> spaces() {
        return spaces;
    }

    void remove(ServedSpace space) {
        spaces.remove(space);
    }

    /** @return null once stopped */
    synchronized Claim claim() throws InterruptedException {
        while (!stopped) {
            Claim claim = next();
            if (claim != null) {
                inFlight++;
                return claim;
            }
            if (inFlight > 0) {
                wait();
                continue;
            }
            boolean nothingDone = settledInPass == 0;
            position = 0;
            cursor = 0;
            settledInPass = 0;
            if (remainingBytes() == 0) {
                progressNanos = nanos.getAsLong();
                whenEmpty.run();
                wait(PAUSE_MILLIS);
            } else if (nothingDone) {
                wait(PAUSE_MILLIS);
            }
        }
        return null;
    }

    private Claim next() {
        while (position < spaces.size()) {
            ServedSpace space = spaces.get(position);
            ServedMap.Extent extent = space.next(cursor);
            if (extent != null) {
                cursor = extent.end();
                return new Claim(space, extent.start(), extent.end());
            }
            position++;
            cursor = 0;
        }
        return null;
    }

    synchronized void done(long settled) {
        inFlight--;
        settledInPass += settled;
        settledBytes += settled;
        if (settled > 0) {
            progressNanos = nanos.getAsLong();
        }
        notifyAll();
    }

    synchronized long settledBytes() {
        return settledBytes;
    }

    /** For how long nothing could be placed though something is missing. */
    synchronized long stalledNanos() {
        return nanos.getAsLong() - progressNanos;
    }

    long remainingBytes() {
        long bytes = 0;
        for (ServedSpace space : spaces) {
            bytes += space.remainingBytes();
        }
        return bytes;
    }

    synchronized void stop() {
        stopped = true;
        notifyAll();
    }
}
