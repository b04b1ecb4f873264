package io.decamp.snapshotter.engine.model;

import java.util.BitSet;
import java.util.random.RandomGenerator;

/** How a synthetic workload writes. Times are seconds since its start; pages are numbers from 0. */
@FunctionalInterface
public interface WritePattern {
    /** Sets the pages that are written between two moments. Pages beyond those that exist come into being. */
    void write(double from, double to, RandomGenerator random, BitSet written);

    static WritePattern idle() {
        return (from, to, random, written) -> {};
    }

    /** {@code perSecond} writes a second to pages chosen at random from {@code first} on. */
    static WritePattern uniform(int first, int pages, double perSecond) {
        return (from, to, random, written) -> {
            long n = poisson(perSecond * (to - from), random);
            for (long i = 0; i < n; i++) {
                written.set(first + random.nextInt(pages));
            }
        };
    }

    /**
     * A share of the writes goes to a share of the pages, which lie scattered in clusters.
     *
     * @param cluster pages that are hot together; 1 for single pages
     */
    static WritePattern skewed(int pages, double hotPages, double hotWrites, double perSecond, int cluster) {
        return (from, to, random, written) -> {
            long n = poisson(perSecond * (to - from), random);
            for (long i = 0; i < n; i++) {
                if (random.nextDouble() < hotWrites) {
                    written.set(hotPage(random.nextInt((int) (pages * hotPages)), pages, hotPages, cluster));
                } else {
                    written.set(random.nextInt(pages));
                }
            }
        };
    }

    /** The {@code i}th hot page of {@link #skewed}. */
    static int hotPage(int i, int pages, double hotPages, int cluster) {
        int stride = (int) (cluster / hotPages);
        return Math.min(pages - 1, i / cluster * stride + i % cluster);
    }

    /** One page after the other, over and over. */
    static WritePattern sweep(int pages, double perSecond) {
        return (from, to, random, written) -> {
            long end = (long) (to * perSecond);
            for (long p = Math.max((long) (from * perSecond), end - pages); p < end; p++) {
                written.set((int) (p % pages));
            }
        };
    }

    /** New pages all the time, beside what another pattern does. */
    static WritePattern growing(int first, double perSecond, WritePattern beside) {
        return (from, to, random, written) -> {
            beside.write(from, to, random, written);
            written.set(first + (int) (from * perSecond), first + (int) (to * perSecond));
        };
    }

    /** One pattern after the other, each for {@code seconds}. */
    static WritePattern phases(double seconds, WritePattern... each) {
        return (from, to, random, written) -> {
            for (double at = from; at < to - 1e-9; ) {
                int phase = (int) ((at + 1e-9) / seconds);
                double end = Math.min(to, (phase + 1) * seconds);
                each[phase % each.length].write(at, end, random, written);
                at = end;
            }
        };
    }

    private static long poisson(double mean, RandomGenerator random) {
        return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.nextGaussian()));
    }
}
