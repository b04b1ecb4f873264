package io.decamp.model;

import java.util.Arrays;

/**
 * One state of everything: the register, what is on its way, and two nodes. Small numbers only, so that it can be
 * hashed.
 * A digest is the number of the freeze it was made in; 0 means none.
 */
final class World {
    static final int RUNNING = 1;
    static final int FROZEN = 2;
    static final int PARTIAL = 1;
    static final int HELD = 2;
    static final int RELEASED = 3;
    /** Its release was cut off before the copy ran, or after: {@code Hold.RELEASING} for who only asks the runtime. */
    static final int CUT_FROZEN = 4;

    static final int CUT_RUNNING = 5;
    /** Older states that a reader may fall back to when its service restarts. */
    static final int HISTORY = 2;

    /**
     * What one node is and knows. The upper half is lost with the process, the middle with the node, the last never.
     */
    static final class Node {
        int freezing;
        int sourceActive;
        int sourceCaughtUp;
        int copyCaughtUp;
        int failures;
        int failedDigest;

        int task;
        int taskDigest;
        int markTerm;
        int markDigest;
        int copy;
        int replica;
        int readyTerm;
        int readyDigest;
        int preparedTerm;
        int preparedDigest;

        int up;
        int position;
        int releasedTerm;
        int releasedDigest;

        boolean copyRuns() {
            return copy == RELEASED || copy == CUT_RUNNING;
        }

        /** Held for certain, and could be let run. */
        boolean copyWaits() {
            return copy == HELD || copy == CUT_FROZEN;
        }

        /** The node knows it as the workload, and not as a copy that is not yet one. */
        boolean copyLetGo() {
            return copyRuns() || copy == CUT_FROZEN;
        }

        boolean copyEvidence() {
            return preparedTerm != 0 || releasedTerm != 0 || readyTerm != 0 || copy != 0;
        }

        void loseSourceProcess() {
            freezing = 0;
            sourceActive = 1;
            sourceCaughtUp = 0;
            position = 0;
        }

        void loseCopyProcess() {
            failures = failedDigest = 0;
            copyCaughtUp = copyEvidence() ? 0 : 1;
            position = 0;
        }

        void loseNode() {
            task = taskDigest = markTerm = markDigest = copy = replica = 0;
            readyTerm = readyDigest = preparedTerm = preparedDigest = 0;
            loseSourceProcess();
            loseCopyProcess();
            up = 0;
        }

        private int write(byte[] b, int at) {
            int i = at;
            if (Math.max(Math.max(markTerm, readyTerm), Math.max(preparedTerm, releasedTerm)) > 15
                    || failures > 7 || position > 127) {
                throw new IllegalStateException("The bounds are too wide for the encoding");
            }
            b[i++] = (byte) (freezing | sourceActive << 2 | sourceCaughtUp << 3 | copyCaughtUp << 4
                    | up << 5);
            b[i++] = (byte) (task | copy << 2 | failures << 5);
            b[i++] = (byte) (taskDigest | markDigest << 4);
            b[i++] = (byte) (markTerm | readyTerm << 4);
            b[i++] = (byte) (replica | readyDigest << 4);
            b[i++] = (byte) (preparedTerm | preparedDigest << 4);
            b[i++] = (byte) (releasedTerm | releasedDigest << 4);
            b[i++] = (byte) position;
            b[i++] = (byte) failedDigest;
            return i;
        }

        private int read(byte[] b, int at) {
            int i = at;
            int flags = b[i++];
            freezing = flags & 3;
            sourceActive = flags >> 2 & 1;
            sourceCaughtUp = flags >> 3 & 1;
            copyCaughtUp = flags >> 4 & 1;
            up = flags >> 5 & 1;
            int tasks = b[i++];
            task = tasks & 3;
            copy = tasks >> 2 & 7;
            failures = tasks >> 5 & 7;
            taskDigest = b[i] & 15;
            markDigest = b[i++] >> 4 & 15;
            markTerm = b[i] & 15;
            readyTerm = b[i++] >> 4 & 15;
            replica = b[i] & 15;
            readyDigest = b[i++] >> 4 & 15;
            preparedTerm = b[i] & 15;
            preparedDigest = b[i++] >> 4 & 15;
            releasedTerm = b[i] & 15;
            releasedDigest = b[i++] >> 4 & 15;
            position = b[i++];
            failedDigest = b[i++];
            return i;
        }
    }

    final Node[] nodes = {new Node(), new Node()};
    /** The end of the register: states, the last is the truth. */
    int[] log;
    /** Records that were sent and not acknowledged: each may still land. */
    int[] flying = {};
    /** The last snapshot-ready in its topic: destination + 1, term, digest. */
    int topicTo;
    int topicTerm;
    int topicDigest;
    /** What may still happen. */
    int freezesLeft;
    int serviceCrashesLeft;
    int nodeCrashesLeft;
    int mishapsLeft;
    /** Only for judging: what the environment has destroyed, and whether a copy of the last freeze has run. */
    int lostOwner;
    int lostOriginal;
    int lostCopy;
    int copyRan;

    int head() {
        return log[log.length - 1];
    }

    int running() {
        int count = 0;
        for (Node n : nodes) {
            count += (n.task == RUNNING ? 1 : 0) + (n.copyRuns() ? 1 : 0);
        }
        return count;
    }

    void push(int state) {
        if (state != head()) {
            log = Arrays.copyOf(log, log.length + 1);
            log[log.length - 1] = state;
        }
    }

    void fly(int record) {
        for (int r : flying) {
            if (r == record) {
                return;
            }
        }
        flying = Arrays.copyOf(flying, flying.length + 1);
        flying[flying.length - 1] = record;
        Arrays.sort(flying);
    }

    void landed(int record) {
        flying = Arrays.stream(flying).filter(r -> r != record).toArray();
    }

    /** Forgets what no reader can come to see any more. */
    private void trim() {
        int from = Math.max(0, log.length - HISTORY);
        for (Node n : nodes) {
            from = Math.min(from, n.position);
        }
        if (from > 0) {
            log = Arrays.copyOfRange(log, from, log.length);
            for (Node n : nodes) {
                n.position -= from;
            }
        }
    }

    byte[] encode() {
        trim();
        byte[] b = new byte[18 + 5 + log.length + flying.length];
        int i = nodes[1].write(b, nodes[0].write(b, 0));
        b[i++] = (byte) (topicTo | topicTerm << 4);
        b[i++] = (byte) (topicDigest | freezesLeft << 4);
        b[i++] = (byte) (serviceCrashesLeft | nodeCrashesLeft << 3 | mishapsLeft << 6);
        b[i++] = (byte) (lostOwner | lostOriginal << 1 | lostCopy << 2 | copyRan << 3 | flying.length << 4);
        b[i++] = (byte) log.length;
        for (int s : log) {
            b[i++] = (byte) s;
        }
        for (int r : flying) {
            b[i++] = (byte) r;
        }
        return b;
    }

    static World decode(byte[] b) {
        World w = new World();
        int i = w.nodes[1].read(b, w.nodes[0].read(b, 0));
        w.topicTo = b[i] & 15;
        w.topicTerm = b[i++] >> 4 & 15;
        w.topicDigest = b[i] & 15;
        w.freezesLeft = b[i++] >> 4 & 15;
        w.serviceCrashesLeft = b[i] & 7;
        w.nodeCrashesLeft = b[i] >> 3 & 7;
        w.mishapsLeft = b[i++] >> 6 & 3;
        w.lostOwner = b[i] & 1;
        w.lostOriginal = b[i] >> 1 & 1;
        w.lostCopy = b[i] >> 2 & 1;
        w.copyRan = b[i] >> 3 & 1;
        w.flying = new int[b[i++] >> 4 & 15];
        w.log = new int[b[i++]];
        for (int k = 0; k < w.log.length; k++) {
            w.log[k] = b[i++] & 255;
        }
        for (int k = 0; k < w.flying.length; k++) {
            w.flying[k] = b[i++] & 255;
        }
        return w;
    }
}
