package io.decamp.requesters.rebalance;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Loads and room of the nodes while moves are tried and taken back. The excess is what the nodes' loads lie outside
 * their tolerated distance from the mean, in bytes, all nodes together; the mean does not change with moves. Room
 * that a move frees at its source is not counted: a replica usually takes it. One thread.
 */
final class Balance {
    /** Of the tolerated distance: what is less than this share of it is not worth another move. */
    private static final double STEP_SHARE = 0.25;

    private final Map<String, Integer> index = new HashMap<>();
    private final long[] target;
    private final long[] tolerated;
    private final long[] load;
    private final long[] room;
    private final long[] replicaRoom;
    private final double stepBytes;
    private long excessBytes;

    Balance(List<Node> nodes, Limits limits) {
        int n = nodes.size();
        target = new long[n];
        tolerated = new long[n];
        load = new long[n];
        room = new long[n];
        replicaRoom = new long[n];
        double mean = nodes.stream().mapToDouble(Node::loadBytes).sum()
                / nodes.stream().mapToDouble(Node::memoryBytes).sum();
        for (int i = 0; i < n; i++) {
            Node node = nodes.get(i);
            index.put(node.name(), i);
            target[i] = Math.round(mean * node.memoryBytes());
            tolerated[i] = Math.round(limits.toleratedBytes(node));
            load[i] = node.loadBytes();
            room[i] = node.roomBytes();
            replicaRoom[i] = node.replicaRoomBytes();
            excessBytes += excess(i, load[i]);
        }
        stepBytes = STEP_SHARE * Arrays.stream(tolerated).average().orElseThrow();
    }

    /** The excess in steps that are worth a move; 0 when every node is within its tolerated distance. */
    long steps() {
        return steps(excessBytes);
    }

    /** {@link #steps()} after a move. */
    long stepsAfter(Move move) {
        int from = index.get(move.from());
        int to = index.get(move.to());
        long bytes = move.workload().bytes();
        return steps(excessBytes
                - excess(from, load[from])
                - excess(to, load[to])
                + excess(from, load[from] - bytes)
                + excess(to, load[to] + bytes));
    }

    /** Sum of squared distances from the mean, in units of the tolerated one: orders what is equally far from even. */
    double unevenness() {
        double sum = 0;
        for (int i = 0; i < load.length; i++) {
            sum += square(i, load[i]);
        }
        return sum;
    }

    /** What a move would add to {@link #unevenness}; negative when it helps. */
    double unevennessBy(Move move) {
        int from = index.get(move.from());
        int to = index.get(move.to());
        long bytes = move.workload().bytes();
        return square(from, load[from] - bytes)
                - square(from, load[from])
                + square(to, load[to] + bytes)
                - square(to, load[to]);
    }

    boolean fits(Move move) {
        int to = index.get(move.to());
        boolean replica = move.toStandby() || replicaRoom[to] >= move.workload().bytes();
        return replica && room[to] >= move.neededBytes();
    }

    void apply(Move move) {
        shift(move, 1);
    }

    void undo(Move move) {
        shift(move, -1);
    }

    boolean knows(String node) {
        return index.containsKey(node);
    }

    /** How far above the mean, negative below it. */
    long deviationBytes(String node) {
        int i = index.get(node);
        return load[i] - target[i];
    }

    long loadBytes(String node) {
        return load[index.get(node)];
    }

    private void shift(Move move, int sign) {
        int from = index.get(move.from());
        int to = index.get(move.to());
        excessBytes -= excess(from, load[from]) + excess(to, load[to]);
        load[from] -= sign * move.workload().bytes();
        load[to] += sign * move.workload().bytes();
        excessBytes += excess(from, load[from]) + excess(to, load[to]);
        room[to] -= sign * move.takenBytes();
        replicaRoom[to] -= sign * move.takenBytes();
    }

    /** A byte a node may come from rounding. */
    private long steps(long excess) {
        return excess <= load.length ? 0 : (long) Math.ceil(excess / stepBytes);
    }

    private long excess(int i, long atLoad) {
        return Math.max(0, Math.abs(atLoad - target[i]) - tolerated[i]);
    }

    private double square(int i, long atLoad) {
        double d = (double) (atLoad - target[i]) / tolerated[i];
        return d * d;
    }
}
