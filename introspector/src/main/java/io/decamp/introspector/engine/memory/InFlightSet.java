package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The pages of one address space that were reported and that no sealed epoch of the destination covers yet. A cleared
 * dirty bit is a debt, and this is the book of debts: one bitmap a scan, on tmpfs, so that it outlives the service.
 *
 * <p>The kernel clears the bits and reports them in one call, and the service may be killed before it has read the
 * answer. Therefore {@link #protecting} writes the range into the book before the call, and {@link #recorded} takes it
 * out after the answer has been written. A range that is still there later is wholly dirty: {@link #suspect}.
 *
 * <p>A debt is <em>open</em> while its epoch travels, and <em>returned</em> when the epoch may be lost: on
 * {@link #broken}, when its scan failed, and when this object was opened over files of a service that died. Returned
 * debts are reported by the next scan, and end only when that scan is complete. What an epoch reported and will not
 * bring is <em>deferred</em>: a returned debt of no epoch, so that no seal ends it. Not thread safe.
 */
final class InFlightSet implements AutoCloseable {
    private static final String PREFIX = "debt-";
    private static final int FROM = 0;
    private static final int TO = 1;
    /** Above every epoch that can be sealed. */
    private static final long NO_EPOCH = Long.MAX_VALUE;

    private static final class Debt {
        private final long epoch;
        private final PageBitmap pages;
        private boolean returned;

        private Debt(long epoch, PageBitmap pages, boolean returned) {
            this.epoch = epoch;
            this.pages = pages;
            this.returned = returned;
        }
    }

    private final Path directory;
    private final List<Debt> debts = new ArrayList<>();
    private Debt current;
    /** Where {@link #defer} writes; null until it is called after a scan. */
    private Debt deferred;
    private long sequence;

    private InFlightSet(Path directory) {
        this.directory = directory;
    }

    /** Opens the book of a directory; what is found there is returned debt. */
    static InFlightSet open(Path directory) {
        InFlightSet set = new InFlightSet(directory);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, PREFIX + "*")) {
            for (Path file : files) {
                String[] parts =
                        file.getFileName().toString().substring(PREFIX.length()).split("\\.");
                set.debts.add(new Debt(Long.parseLong(parts[0]), PageBitmap.open(file), true));
                set.sequence = Math.max(set.sequence, Long.parseLong(parts[1]));
            }
            return set;
        } catch (IOException e) {
            throw DecampException.abort(
                    "memory-directory-unusable",
                    "In-flight set in " + directory + " can't be read",
                    "Check the permissions of the memory directory",
                    e);
        }
    }

    /** Starts the record of a scan. An epoch may have several: one number can be tried again after a break. */
    void begin(long epoch) {
        current = add(epoch, false);
        // the coming scan takes over what it holds
        deferred = null;
    }

    private Debt add(long epoch, boolean returned) {
        sequence++;
        Path file = directory.resolve(PREFIX + epoch + "." + sequence);
        Debt debt = new Debt(epoch, PageBitmap.open(file), returned);
        debts.add(debt);
        return debt;
    }

    /**
     * Keeps what {@code epoch} owes within a page range owed beyond its seal. Returned debts of the epoch count too:
     * after a restart of this service between a scan and its seal, all are.
     */
    void defer(long epoch, long fromPage, long toPage) {
        if (deferred == null) {
            deferred = add(NO_EPOCH, true);
        }
        for (Debt debt : debts) {
            if (debt.epoch == epoch) {
                deferred.pages.or(debt.pages, fromPage, toPage);
            }
        }
    }

    /** The pages of the scan under way; valid from {@link #begin}. */
    PageBitmap current() {
        return current.pages;
    }

    /** Call before the kernel may clear dirty bits in {@code [from, to)}, in bytes. */
    void protecting(long from, long to) {
        current.pages.header(FROM, from);
        current.pages.header(TO, to);
        VarHandle.fullFence();
    }

    /** Call when every page that was cleared since {@link #protecting} is in {@link #current}. */
    void recorded() {
        VarHandle.fullFence();
        current.pages.header(TO, 0);
        current.pages.header(FROM, 0);
    }

    /** Whether a scan died or failed over {@code [from, to)}: bits may have been cleared that nobody wrote down. */
    boolean suspect(long from, long to) {
        for (Debt debt : debts) {
            if (debt.returned && debt.pages.header(FROM) < to && from < debt.pages.header(TO)) {
                return true;
            }
        }
        return false;
    }

    /** Adds what is returned within a page range to {@code target}. */
    void addReturned(PageBitmap target, long fromPage, long toPage) {
        for (Debt debt : debts) {
            if (debt.returned) {
                target.or(debt.pages, fromPage, toPage);
            }
        }
    }

    /** Whether the page is part of any debt, the current scan's included. */
    boolean owes(long page) {
        for (Debt debt : debts) {
            if (debt.pages.get(page)) {
                return true;
            }
        }
        return false;
    }

    /** The scan is complete and holds all that was returned. */
    void scanned() {
        current = null;
        drop(true, Long.MIN_VALUE);
    }

    /** The scan was given up: what it took is returned. */
    void failed() {
        if (current != null) {
            current.returned = true;
            current = null;
        }
    }

    /** The destination has {@code epoch} and all before it. */
    void sealed(long epoch) {
        drop(false, Math.min(epoch, NO_EPOCH - 1));
    }

    /** What is open may be lost. */
    void broken() {
        debts.forEach(debt -> debt.returned = true);
    }

    /** Forgets everything, for a replica that starts anew. */
    void forget() {
        drop(true, NO_EPOCH);
        deferred = null;
    }

    boolean isEmpty() {
        return debts.isEmpty();
    }

    @Override
    public void close() {
        debts.forEach(debt -> debt.pages.close());
        debts.clear();
        current = null;
        deferred = null;
    }

    private void drop(boolean returned, long upToEpoch) {
        debts.removeIf(debt -> {
            boolean over = debt.epoch <= upToEpoch || returned && debt.returned;
            if (over) {
                debt.pages.delete();
            }
            return over;
        });
    }
}
