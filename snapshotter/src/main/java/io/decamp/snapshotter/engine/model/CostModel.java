package io.decamp.snapshotter.engine.model;

import io.decamp.contracts.v1.EvictionTimes;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.jboss.logging.Logger;

/**
 * What freezes, final deltas and hand-offs of this node cost by size, for each kind of workload, and how good the
 * predictions were. Learned from real evictions and dry runs, and kept in a small file, so that a restart does not
 * forget. What can't be read is learned anew. Thread safe.
 */
public final class CostModel {
    private static final Logger LOG = Logger.getLogger(CostModel.class);
    /** One write fault of asynchronous write protection, measured in docs/specification.md, P7 and P8. */
    static final double FAULT_NANOS = 900;
    /** Out of a workload into shared memory, in batches. */
    static final double READ_BYTES_PER_SECOND = 2e9;

    private static final String FILE = "costs.properties";
    private static final String VERSION = "1";
    /** The first instruction at the destination comes before the source is free. */
    private static final double DOWNTIME_SHARE = 0.8;

    private static final double KEEP_SHARE = 0.8;

    /** What one kind of workload costs. */
    private static final class Kind {
        final CostLine rounds = new CostLine(30_000, 0);
        final CostLine freeze;
        final CostLine finalDelta = new CostLine(20_000, 15_000);
        final CostLine handOff;
        double downtimeShare = DOWNTIME_SHARE;

        /** Starting points are those measured for docs/specification.md, P1 to P6. */
        Kind(String name) {
            switch (name) {
                // runc sets up namespaces, mounts and cgroups besides, at both ends
                case "runc" -> {
                    freeze = new CostLine(170_000, 75_000);
                    handOff = new CostLine(225_000, 0);
                }
                // nothing of the memory is touched at the freeze; criu reads all of it at the destination, in a guest
                case "vm" -> {
                    freeze = new CostLine(50_000, 5_000);
                    handOff = new CostLine(500_000, 700_000);
                }
                default -> {
                    freeze = new CostLine(45_000, 75_000);
                    handOff = new CostLine(100_000, 0);
                }
            }
        }
    }

    private final Path file;
    private final Map<String, Kind> kinds = new TreeMap<>();
    private final PredictionLog predictions = new PredictionLog();

    /** @param stateDirectory of the node; null: nothing is kept */
    public CostModel(Path stateDirectory) {
        file = stateDirectory == null ? null : stateDirectory.resolve(FILE);
        load();
    }

    /** Costs of a workload of {@code kind} at its present size. */
    public synchronized Costs costs(String kind, long trackedBytes, EpochCosts epochs, long linkBytesPerSecond) {
        Kind k = kind(kind);
        return new Costs(
                trackedBytes,
                FAULT_NANOS,
                epochs.scanMicros(trackedBytes),
                READ_BYTES_PER_SECOND,
                epochs.sendBytesPerSecond(linkBytesPerSecond),
                epochs.roundMicros(),
                epochs.wireShare(),
                k.rounds.micros(trackedBytes),
                k.freeze.micros(trackedBytes),
                k.finalDelta.micros(trackedBytes),
                k.handOff.micros(trackedBytes),
                k.downtimeShare);
    }

    /** @param dryRun the hand-off was not made, so that nothing is learned of it */
    public synchronized void evicted(
            String kind, long trackedBytes, Prediction predicted, EvictionTimes real, boolean dryRun) {
        Kind k = kind(kind);
        predictions.add(predicted.totalMicros(), real.getTotalMicros());
        k.rounds.learn(trackedBytes, Math.max(0, real.getRoundsMicros() - predicted.sendingMicros()));
        if (predicted.overlappedMicros() < predicted.freezeMicros()) {
            // else sending was what took the time
            k.freeze.learn(trackedBytes, real.getFreezeMicros());
        }
        k.finalDelta.learn(trackedBytes, real.getFinalDeltaMicros());
        if (!dryRun) {
            k.handOff.learn(trackedBytes, real.getHandOffMicros());
            double held = real.getFreezeMicros() + real.getFinalDeltaMicros() + real.getHandOffMicros();
            if (held > 0 && real.getDowntimeMicros() > 0) {
                double share = Math.clamp(real.getDowntimeMicros() / held, 0.1, 1.5);
                k.downtimeShare = k.downtimeShare * KEEP_SHARE + share * (1 - KEEP_SHARE);
            }
        }
        save();
    }

    /** Median of |predicted - real| / real over past evictions; 0 when there were none. */
    public synchronized double predictionError() {
        return predictions.median();
    }

    /** Past evictions that count. */
    public synchronized int predictions() {
        return predictions.count();
    }

    /** Nine of ten predictions were no further off. */
    public synchronized double predictionErrorMostly() {
        return predictions.quantile(0.9);
    }

    private Kind kind(String name) {
        return kinds.computeIfAbsent(name, Kind::new);
    }

    private void save() {
        if (file == null) {
            return;
        }
        Properties all = new Properties();
        all.setProperty("version", VERSION);
        all.setProperty("errors", predictions.write());
        kinds.forEach((name, k) -> {
            all.setProperty(name + ".rounds", k.rounds.write());
            all.setProperty(name + ".freeze", k.freeze.write());
            all.setProperty(name + ".final-delta", k.finalDelta.write());
            all.setProperty(name + ".hand-off", k.handOff.write());
            all.setProperty(name + ".downtime-share", Double.toString(k.downtimeShare));
        });
        Path fresh = file.resolveSibling(FILE + ".new");
        try {
            Files.createDirectories(file.getParent());
            try (Writer out = Files.newBufferedWriter(fresh)) {
                all.store(out, "What evictions of this node cost; learned, may be deleted");
            }
            try (FileChannel written = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                written.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warnf("What evictions cost is not kept over a restart: %s", e);
        }
    }

    private void load() {
        if (file == null || !Files.exists(file)) {
            return;
        }
        Properties all = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            all.load(in);
            if (!VERSION.equals(all.getProperty("version"))) {
                LOG.warnf("%s is of another version: costs are learned anew", file);
                return;
            }
            predictions.read(all.getProperty("errors", ""));
            for (String key : all.stringPropertyNames()) {
                read(key, all.getProperty(key));
            }
        } catch (IOException | IllegalArgumentException e) {
            LOG.warnf("%s can't be read, costs are learned anew: %s", file, e);
            kinds.clear();
        }
    }

    private void read(String key, String value) {
        int dot = key.lastIndexOf('.');
        if (dot < 0) {
            return;
        }
        Kind k = kind(key.substring(0, dot));
        switch (key.substring(dot + 1)) {
            case "rounds" -> k.rounds.read(value);
            case "freeze" -> k.freeze.read(value);
            case "final-delta" -> k.finalDelta.read(value);
            case "hand-off" -> k.handOff.read(value);
            case "downtime-share" -> k.downtimeShare = Math.clamp(Double.parseDouble(value), 0.1, 1.5);
            default -> LOG.debugf("%s: nothing is known of %s", file, key);
        }
    }
}
