package io.decamp.testkit;

import java.nio.file.Path;
import java.util.List;

/**
 * What a {@code chain} workload is to do; see {@code victims/chain.c}.
 *
 * @param sizeMib memory of all its writers together
 * @param pagesPerSecond distinct pages written at random, by all writers together; 4096 bytes each
 * @param stepMicros time between two lines of a writer's log
 * @param threads writers in each process
 * @param children processes besides the first, joined with it to a ring of pipes
 * @param auditPages pages that each writer also reads in each step
 * @param zeroPercent share of the pages that hold zeros until they are written
 */
public record ChainSpec(
        int sizeMib,
        int pagesPerSecond,
        int stepMicros,
        int threads,
        int children,
        int auditPages,
        int zeroPercent,
        long seed) {
    /** One process, one writer, a line each 5 ms. */
    public static ChainSpec of(int sizeMib, int pagesPerSecond) {
        return new ChainSpec(sizeMib, pagesPerSecond, 5_000, 1, 0, 4, 0, 1);
    }

    public ChainSpec withTree(int children, int threads) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed);
    }

    public ChainSpec withSeed(long seed) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed);
    }

    public ChainSpec withZeroPercent(int zeroPercent) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed);
    }

    public ChainSpec withAuditPages(int auditPages) {
        return new ChainSpec(
                sizeMib, pagesPerSecond, stepMicros, threads, children, auditPages, zeroPercent, seed);
    }

    public int writers() {
        return (children + 1) * threads;
    }

    /** Command line of {@code program} (which need not be the path that this process sees). */
    public List<String> command(Path program, Path log) {
        return List.of(
                program.toString(),
                "--log=" + log,
                "--size-mib=" + sizeMib,
                "--pages-per-second=" + pagesPerSecond,
                "--step-us=" + stepMicros,
                "--threads=" + threads,
                "--children=" + children,
                "--audit-pages=" + auditPages,
                "--zero-percent=" + zeroPercent,
                "--seed=" + Long.toUnsignedString(seed));
    }
}
