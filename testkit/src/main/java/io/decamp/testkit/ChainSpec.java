package io.decamp.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a {@code chain} workload is to do; see {@code victims/chain.c}.
 *
 * @param sizeMib memory of all its writers together
 * @param pagesPerSecond pages written by all writers together; 4096 bytes each
 * @param stepMicros time between two lines of a writer's log
 * @param threads writers in each process
 * @param children processes besides the first, joined with it to a ring of pipes
 * @param auditPages pages that each writer also reads in each step
 * @param zeroPercent share of the pages that hold zeros until they are written
 * @param spread which pages are written, and how much of them
 */
public record ChainSpec(
        int sizeMib,
        int pagesPerSecond,
        int stepMicros,
        int threads,
        int children,
        int auditPages,
        int zeroPercent,
        long seed,
        Spread spread) {
    /** Time that each phase of {@link WritePattern#PHASES} lasts unless said otherwise. */
    public static final int DEFAULT_PHASE_MILLIS = 20_000;

    /**
     * How the writes lie.
     *
     * @param wholePages a write changes all of a page, to what no codec makes smaller; otherwise 8 bytes of it
     * @param paced false: the writes of a step follow those of the last one at once
     */
    public record Spread(WritePattern pattern, int phaseMillis, boolean wholePages, boolean paced) {
        static final Spread DEFAULT = new Spread(WritePattern.LAPS, DEFAULT_PHASE_MILLIS, false, true);
    }

    /** One process, one writer, a line each 5 ms. */
    public static ChainSpec of(int sizeMib, int pagesPerSecond) {
        return new ChainSpec(sizeMib, pagesPerSecond, 5_000, 1, 0, 4, 0, 1, Spread.DEFAULT);
    }

    public ChainSpec withTree(int children, int threads) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed, spread);
    }

    public ChainSpec withSeed(long seed) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed, spread);
    }

    public ChainSpec withZeroPercent(int zeroPercent) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed, spread);
    }

    public ChainSpec withAuditPages(int auditPages) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed, spread);
    }

    public ChainSpec withPattern(WritePattern pattern) {
        return withSpread(new Spread(pattern, spread.phaseMillis(), spread.wholePages(), spread.paced()));
    }

    public ChainSpec withPhases(int millis) {
        return withSpread(new Spread(WritePattern.PHASES, millis, spread.wholePages(), spread.paced()));
    }

    /** @param wholePages as of {@link Spread} */
    public ChainSpec withWholePages(boolean wholePages) {
        return withSpread(new Spread(spread.pattern(), spread.phaseMillis(), wholePages, spread.paced()));
    }

    /** As many writes as it can do, in steps of as many as the rate says. */
    public ChainSpec unpaced() {
        return withSpread(new Spread(spread.pattern(), spread.phaseMillis(), spread.wholePages(), false));
    }

    private ChainSpec withSpread(Spread other) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed, other);
    }

    public int writers() {
        return (children + 1) * threads;
    }

    /** Command line of {@code program} (which need not be the path that this process sees). */
    public List<String> command(Path program, Path log) {
        var command = new ArrayList<>(List.of(
                program.toString(),
                "--log=" + log,
                "--size-mib=" + sizeMib,
                "--pages-per-second=" + pagesPerSecond,
                "--step-us=" + stepMicros,
                "--threads=" + threads,
                "--children=" + children,
                "--audit-pages=" + auditPages,
                "--zero-percent=" + zeroPercent,
                "--seed=" + Long.toUnsignedString(seed),
                "--pattern=" + spread.pattern().label(),
                "--phase-ms=" + spread.phaseMillis(),
                "--fill=" + (spread.wholePages() ? "page" : "word")));
        if (!spread.paced()) {
            command.add("--unpaced");
        }
        return command;
    }
}
