package io.decamp.cli.bench;

import io.decamp.cli.launch.Cluster;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventHeader;
import io.decamp.contracts.v1.PagesDirty;
import io.decamp.contracts.v1.Policy;
import io.decamp.testkit.ChainSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Asks for dry evictions at random moments of a workload that keeps changing, and moves it for real in the end. */
final class ObjectiveBench implements AutoCloseable {
    /** After the first copy: the model has seen a few scans. */
    private static final int SETTLED_EPOCHS = 4;
    /** A dry run that takes longer has failed. */
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(60);

    private static final double SHORTEST_GAP_SECONDS = 2;
    private static final double LONGEST_GAP_SECONDS = 4;

    private final Cluster cluster;
    private final Writer writer;
    private final double begin = now();
    private final List<Epoch> epochs = Collections.synchronizedList(new ArrayList<>());

    /** @param atSeconds since this bench began */
    record Epoch(double atSeconds, PagesDirty report) {}

    /** Starts the workload and protects it; returns when the model has settled. */
    ObjectiveBench(Cluster cluster, ChainSpec spec, Policy policy) {
        this.cluster = cluster;
        this.writer = Writer.start(cluster, spec, e -> epochs.add(new Epoch(now() - begin, e)));
        try {
            Asking.protect(cluster, writer.id(), policy);
            writer.watch().awaitEpochs(0, 1 + SETTLED_EPOCHS, Asking.LIMIT);
        } catch (RuntimeException | Error e) {
            writer.close();
            throw e;
        }
    }

    /** Dry runs, the times between whose requests are drawn from the seed. */
    List<ObjectiveFigures.Sample> ask(Duration time, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<ObjectiveFigures.Sample> samples = new ArrayList<>();
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() - end < 0) {
            long asked = System.nanoTime();
            samples.add(ask());
            long gap = (long) (random.nextDouble(SHORTEST_GAP_SECONDS, LONGEST_GAP_SECONDS) * 1e9);
            Pause.of(Duration.ofNanos(Math.max(0, asked + gap - System.nanoTime())));
        }
        return samples;
    }

    private ObjectiveFigures.Sample ask() {
        double at = now() - begin;
        EventHeader asked = Asking.evict(cluster, writer.id(), true);
        try {
            return new ObjectiveFigures.Sample(at, writer.watch().awaitMeasured(asked.id(), ANSWER_LIMIT), "");
        } catch (DecampException e) {
            System.out.println("  dry run failed: " + e.getMessage());
            return new ObjectiveFigures.Sample(at, null, e.code() + ": " + e.getMessage());
        }
    }

    /** A real one, and what the nodes say of it. */
    record Real(Writer.Moved moved, ObjectiveFigures.Sample sample) {}

    Real moveAndJudge() {
        double at = now() - begin;
        Writer.Moved moved = writer.moveAndJudge(true);
        return new Real(
                moved,
                new ObjectiveFigures.Sample(at, writer.watch().awaitMeasured(moved.request().id(), ANSWER_LIMIT), ""));
    }

    /** Ends protection and workload without a move. @return whether all it did was right */
    boolean endAndJudge() {
        Asking.release(cluster, writer.id());
        return writer.workload().stopAndJudge().verified();
    }

    List<Epoch> epochs() {
        synchronized (epochs) {
            return List.copyOf(epochs);
        }
    }

    /** When the phases of the workload began, by its own log. */
    List<Double> phaseStarts() {
        ChainSpec spec = writer.workload().spec();
        long steps = spec.spread().phaseMillis() * 1000L / spec.stepMicros();
        Path log = writer.workload().log().file();
        try (Stream<String> lines = Files.lines(log)) {
            return lines.filter(l -> !l.startsWith("#"))
                    .map(l -> l.split(" "))
                    .filter(w -> w.length == 4 && Long.parseLong(w[0]) % steps == 0)
                    .map(w -> Double.parseDouble(w[2].substring("t=".length())) - begin)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double now() {
        return System.currentTimeMillis() / 1e3;
    }

    @Override
    public void close() {
        writer.close();
    }
}
