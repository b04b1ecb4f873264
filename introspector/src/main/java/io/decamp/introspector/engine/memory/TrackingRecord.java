package io.decamp.introspector.engine.memory;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What a service must know to go on tracking after an earlier one died: which space belongs to which process, and which
 * ids were given out. A text file on tmpfs, always replaced as a whole; a reboot ends it together with the processes.
 *
 * <pre>
 * decamp-tracking 1
 * generation 7
 * next 4
 * space ID PID START_TICKS CONTAINER_PID
 * </pre>
 */
final class TrackingRecord {
    /** One tracked address space; {@code startTicks} tells its process from a later one with the same PID. */
    record Entry(long spaceId, int pid, long startTicks, int containerPid) {}

    private static final String FORMAT = "decamp-tracking 1";

    private final Path file;
    private long generation;
    /** Begins at the time, so that ids are not reused either after the record was deleted and begun anew. */
    private long nextId = System.currentTimeMillis();

    private List<Entry> entries = List.of();

    private TrackingRecord(Path file) {
        this.file = file;
    }

    /** Reads the record of a directory, or starts an empty one. */
    static TrackingRecord open(Path directory) {
        TrackingRecord record = new TrackingRecord(directory.resolve("record"));
        try {
            Files.createDirectories(directory);
            if (Files.exists(record.file)) {
                record.parse(Files.readAllLines(record.file, StandardCharsets.US_ASCII));
            }
            return record;
        } catch (IOException e) {
            throw unusable(record.file, e);
        }
    }

    long generation() {
        return generation;
    }

    List<Entry> entries() {
        return entries;
    }

    /** An id that was never given out before, also not by a service that died: it is written down before it is used. */
    long takeId() {
        long id = nextId++;
        write();
        return id;
    }

    void save(long newGeneration, List<Entry> newEntries) {
        generation = newGeneration;
        entries = List.copyOf(newEntries);
        write();
    }

    private void write() {
        StringBuilder text = new StringBuilder(FORMAT + "\ngeneration " + generation + "\nnext " + nextId + "\n");
        for (Entry e : entries) {
            text.append("space ")
                    .append(e.spaceId)
                    .append(' ')
                    .append(e.pid)
                    .append(' ')
                    .append(e.startTicks);
            text.append(' ').append(e.containerPid).append('\n');
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.writeString(fresh, text, StandardCharsets.US_ASCII);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unusable(file, e);
        }
    }

    private void parse(List<String> lines) throws IOException {
        try {
            if (lines.isEmpty() || !lines.getFirst().equals(FORMAT)) {
                throw new IOException(file + " does not begin with '" + FORMAT + "'");
            }
            List<Entry> found = new ArrayList<>();
            for (String line : lines.subList(1, lines.size())) {
                String[] w = line.split(" ");
                switch (w[0]) {
                    case "generation" -> generation = Long.parseLong(w[1]);
                    case "next" -> nextId = Long.parseLong(w[1]);
                    case "space" ->
                        found.add(new Entry(
                                Long.parseLong(w[1]),
                                Integer.parseInt(w[2]),
                                Long.parseLong(w[3]),
                                Integer.parseInt(w[4])));
                    default -> throw new IOException(file + " has a line that is not known: " + line);
                }
            }
            entries = List.copyOf(found);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new IOException(file + " is damaged", e);
        }
    }

    private static DecampException unusable(Path file, IOException cause) {
        return DecampException.abort(
                "tracking-record-unusable",
                "Tracking record " + file + " can't be used",
                "Untrack the workload and protect it again; check that the memory directory is not full",
                cause);
    }
}
