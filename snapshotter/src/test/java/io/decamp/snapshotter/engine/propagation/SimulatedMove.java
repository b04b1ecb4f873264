package io.decamp.snapshotter.engine.propagation;

import io.decamp.contracts.page.PageRuns;
import io.decamp.snapshotter.engine.model.WriteModel;
import java.util.Random;
import java.util.function.IntSupplier;

/** One move of a workload that was never protected, in virtual time, with the code that real moves run. */
record SimulatedMove(
        String writer,
        String policy,
        long first,
        long again,
        double seconds,
        long finalPages,
        double downtimeMillis,
        int rounds,
        String stop,
        long stale) {
    /** 1 Gbit/s less headers of Ethernet, IP, TCP and TLS. */
    static final long GIGABIT = 117_000_000;

    static final int PAGES = 1 << 18;
    /** Capturing the state of 1 GiB, and the hand-off. */
    private static final double FREEZE_MILLIS = 120;

    private static final double HAND_OFF_MILLIS = 100;

    /** Who writes: pages a second, and which. */
    record Writer(String name, double writesPerSecond, IntSupplier pages) {
        static Writer hotHalf(long seed, double bytesPerSecond) {
            Random random = new Random(seed);
            return new Writer("hot-half", bytesPerSecond / 4096, () -> random.nextInt(PAGES / 2));
        }

        static Writer hot(long seed, int pages, double bytesPerSecond) {
            Random random = new Random(seed);
            return new Writer("hot " + pages, bytesPerSecond / 4096, () -> random.nextInt(pages));
        }

        /** 99 % of the writes go to 1 % of the pages: five clusters of 1 MiB and single pages. */
        static Writer skew(long seed, double bytesPerSecond) {
            Random random = new Random(seed);
            int[] hot = new int[PAGES / 100];
            for (int i = 0; i < hot.length; i++) {
                int cluster = i / 256 * 50_000 + i % 256;
                hot[i] = i < 5 * 256 ? cluster : random.nextInt(PAGES);
            }
            return new Writer(
                    "skew 99/1",
                    bytesPerSecond / 4096,
                    () -> random.nextInt(100) == 0 ? random.nextInt(PAGES) : hot[random.nextInt(hot.length)]);
        }

        static Writer sweep(double bytesPerSecond) {
            int[] at = {PAGES / 3};
            return new Writer("sweep", bytesPerSecond / 4096, () -> at[0] = (at[0] + 1) % PAGES);
        }

        static Writer uniform(long seed, double bytesPerSecond) {
            Random random = new Random(seed);
            return new Writer("uniform", bytesPerSecond / 4096, () -> random.nextInt(PAGES));
        }
    }

    static SimulatedMove run(Writer writer, PropagationPolicy policy, RoundListener listener) {
        return run(writer, policy, listener, host(writer));
    }

    static SimulatedHost host(Writer writer) {
        return new SimulatedHost(PAGES, GIGABIT, writer.writesPerSecond(), writer.pages());
    }

    static SimulatedMove run(Writer writer, PropagationPolicy policy, RoundListener listener, SimulatedHost host) {
        Rounds rounds = new Rounds(policy, new WriteModel());
        Rounds.Move move = new Rounds.Move(new StopRule(Long.MAX_VALUE), listener);
        Rounds.Result result = rounds.converge(host, move);
        PageRuns left = result.left();
        long before = host.first + host.again;
        double frozen = host.freeze(left) / 1e6;
        return new SimulatedMove(
                writer.name(),
                policy.name(),
                host.first,
                host.again,
                host.nanos() / 1e9,
                host.first + host.again - before,
                Math.max(frozen, FREEZE_MILLIS) + HAND_OFF_MILLIS,
                move.rounds(),
                result.stop().label(),
                host.stale());
    }

    @Override
    public String toString() {
        return String.format(
                "%-10s %-11s first %7d  again %7d  total %6.2f s  final %6d pages  downtime %5.0f ms  %3d rounds  %s",
                writer, policy, first, again, seconds, finalPages, downtimeMillis, rounds, stop);
    }
}
