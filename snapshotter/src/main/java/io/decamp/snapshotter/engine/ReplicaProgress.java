package io.decamp.snapshotter.engine;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Properties;

/**
 * Which generation of a replica this node feeds and how far it is sealed; survives a restart of the service. It lies in
 * shared memory beside the in-flight set, because after a reboot neither means anything any more.
 */
final class ReplicaProgress {
    private final Path file;
    private long generation;
    private long sealedEpoch;
    private String destination = "";

    private ReplicaProgress(Path file) {
        this.file = file;
    }

    static ReplicaProgress load(Path file) {
        ReplicaProgress progress = new ReplicaProgress(file);
        Properties p = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            p.load(in);
            progress.generation = Long.parseLong(p.getProperty("generation"));
            progress.sealedEpoch = Long.parseLong(p.getProperty("sealedEpoch"));
            progress.destination = p.getProperty("destination");
        } catch (NoSuchFileException firstTime) {
            return progress;
        } catch (IOException | NumberFormatException e) {
            throw DecampException.fatal(
                    "bad-progress-file", "Cannot read " + file, "Delete it: the workload is then shipped anew", e);
        }
        return progress;
    }

    long generation() {
        return generation;
    }

    long sealedEpoch() {
        return sealedEpoch;
    }

    String destination() {
        return destination;
    }

    /** A new replica; its number is above every one that this clock or this file ever gave. */
    void startGeneration(String newDestination, long nowMillis) {
        generation = Math.max(generation + 1, nowMillis);
        sealedEpoch = 0;
        destination = newDestination;
        save();
    }

    void sealed(long epoch) {
        sealedEpoch = epoch;
        save();
    }

    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw DecampException.fatal("state-directory", "Cannot delete " + file, "Check the directory", e);
        }
    }

    private void save() {
        Properties p = new Properties();
        p.setProperty("generation", Long.toString(generation));
        p.setProperty("sealedEpoch", Long.toString(sealedEpoch));
        p.setProperty("destination", destination);
        try {
            Files.createDirectories(file.getParent());
            Path fresh = file.resolveSibling(file.getFileName() + ".new");
            try (Writer out = Files.newBufferedWriter(fresh)) {
                p.store(out, null);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw DecampException.retry(
                    "state-directory", "Cannot write " + file, "Is the memory directory full? Free some of it", e);
        }
    }
}
