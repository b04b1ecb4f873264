package io.decamp.snapshotter.engine;

/**
 * When, after a request, another round with the workload running stops being worth it and it is frozen.
 *
 * @param enoughPages that many pages written in a round go with the final delta at no cost worth another round
 * @param maxRounds limit: a writer faster than the link never converges
 * @param progress a round must leave at most this share of the one before, else more rounds only repeat it
 */
public record ConvergenceRule(long enoughPages, int maxRounds, double progress) {
    /** 4 MiB of pages take about 10 ms to read, send and apply: less than another round would save. */
    public static final ConvergenceRule DEFAULT = new ConvergenceRule(1024, 8, 0.7);

    /** Whether to make another round; {@code previous} is negative when {@code last} was the first. */
    public boolean another(int roundsDone, long previous, long last) {
        if (roundsDone >= maxRounds || last <= enoughPages) {
            return false;
        }
        return previous < 0 || last <= previous * progress;
    }
}
