package io.decamp.requesters.rebalance;

import io.decamp.contracts.error.DecampException;

/**
 * What counts as even, and how much may be done for it.
 *
 * @param thresholdShare by which share of its memory a node may differ from the mean; 0 when bytes are given
 * @param thresholdBytes by how much it may; 0 when a share is given
 * @param maxMoves the most moves
 */
public record Limits(double thresholdShare, long thresholdBytes, int maxMoves) {
    /** Below this, what a machine does by itself in a second is more. */
    private static final double MIN_SHARE = 0.001;

    private static final long MIN_BYTES = 1 << 20;
    /** More is no re-balancing but another layout. */
    private static final int MOST_MOVES = 1_000;

    public Limits {
        boolean share = thresholdBytes == 0 && thresholdShare >= MIN_SHARE && thresholdShare <= 1;
        boolean bytes = thresholdShare == 0 && thresholdBytes >= MIN_BYTES;
        if (!share && !bytes) {
            String given = thresholdBytes > 0 ? thresholdBytes + " bytes" : "the share " + thresholdShare;
            throw DecampException.refused(
                    "bad-option",
                    "A threshold of " + given + " is of no use",
                    "Give 0.1% to 100%, or a size from 1MiB");
        }
        if (maxMoves < 1 || maxMoves > MOST_MOVES) {
            throw DecampException.refused(
                    "bad-option", maxMoves + " moves are no limit", "Give a number from 1 to " + MOST_MOVES);
        }
    }

    public static Limits ofShare(double share, int maxMoves) {
        return new Limits(share, 0, maxMoves);
    }

    public static Limits ofBytes(long bytes, int maxMoves) {
        return new Limits(0, bytes, maxMoves);
    }

    double toleratedBytes(Node node) {
        return thresholdBytes > 0 ? thresholdBytes : thresholdShare * node.memoryBytes();
    }
}
