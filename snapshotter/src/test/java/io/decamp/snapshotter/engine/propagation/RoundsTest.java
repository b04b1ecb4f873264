package io.decamp.snapshotter.engine.propagation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.PageRuns;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.MemorySource;
import io.decamp.snapshotter.engine.model.WriteModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rounds over a memory whose pages are written, dropped and shared while they are sent. */
class RoundsTest {
    private static final int PAGES = 3000;
    private static final long CHILD = 2;
    private static final int HOLE = 0;

    /** What a source and a destination know, in plain arrays: by space 1 and 2, by page. */
    private static final class Host implements RoundPort {
        private final Random random;
        private final int[][] content = new int[3][PAGES];
        private final int[][] replica = new int[3][PAGES];
        private final boolean[][] written = new boolean[3][PAGES];
        private final boolean[][] known = new boolean[3][PAGES];
        /** Reported in this epoch, or deferred in an earlier one. */
        private final boolean[][] owed = new boolean[3][PAGES];
        private final boolean[][] deferred = new boolean[3][PAGES];
        private int spaces = 1;
        private boolean childScanned;
        private int sentInEpoch;
        private int version = 1;
        private long now;
        private long sameAs;
        private long zeros;
        private boolean idle;

        Host(Random random) {
            this.random = random;
            for (int p = 0; p < PAGES; p++) {
                write(1, p);
            }
        }

        private void write(int space, int page) {
            content[space][page] = version++;
            written[space][page] = true;
        }

        /** Between any two steps the workload goes on. */
        private void live() {
            now += 1_000_000;
            if (idle) {
                return;
            }
            for (int i = random.nextInt(40); i > 0; i--) {
                int space = 1 + random.nextInt(spaces);
                int page = random.nextInt(random.nextBoolean() ? PAGES : PAGES / 20);
                if (random.nextInt(6) == 0) {
                    content[space][page] = HOLE;
                    written[space][page] = false;
                } else {
                    write(space, page);
                }
            }
        }

        void fork() {
            content[2] = content[1].clone();
            Arrays.fill(written[2], true);
            spaces = 2;
        }

        @Override
        public MemorySource.Scan scan(PageRuns open) {
            live();
            PageRuns runs = new PageRuns();
            for (int space = 1; space <= spaces; space++) {
                for (int p = 0; p < PAGES; p++) {
                    report(space, p, runs);
                }
            }
            childScanned |= spaces == 2;
            List<AddressSpace> alive = new ArrayList<>();
            for (int space = 1; space <= spaces; space++) {
                alive.add(new AddressSpace(space, space));
            }
            return new MemorySource.Scan(alive, runs, (long) PAGES * 4096 * spaces, 100, false);
        }

        private void report(int space, int p, PageRuns runs) {
            boolean due = written[space][p] || deferred[space][p];
            if (content[space][p] == HOLE) {
                if (known[space][p] || deferred[space][p]) {
                    runs.add(space, p * 4096L, 1, PageSource.ZERO);
                    owed[space][p] = true;
                    known[space][p] = false;
                }
            } else if (due) {
                boolean same = space == CHILD && !childScanned && !owed[1][p] && !written[1][p]
                        && content[1][p] == content[2][p];
                runs.add(space, p * 4096L, 1, same ? PageSource.SAME_AS : PageSource.BYTES, same ? 1 : 0);
                owed[space][p] = true;
                known[space][p] = true;
            }
            written[space][p] = false;
            deferred[space][p] = false;
        }

        @Override
        public void send(PageRuns batch) {
            live();
            for (int i = 0; i < batch.size(); i++) {
                int space = (int) batch.space(i);
                int page = (int) (batch.address(i) / 4096);
                for (int p = page; p < page + batch.pages(i); p++) {
                    sentInEpoch++;
                    switch (batch.source(i)) {
                        case BYTES -> replica[space][p] = content[space][p];
                        case ZERO -> replica[space][p] = HOLE;
                        case SAME_AS -> replica[space][p] = replica[(int) batch.sameAs(i)][p];
                    }
                    sameAs += batch.source(i) == PageSource.SAME_AS ? 1 : 0;
                    zeros += batch.source(i) == PageSource.ZERO ? 1 : 0;
                }
            }
        }

        void seal(PageRuns left) {
            for (boolean[] each : owed) {
                Arrays.fill(each, false);
            }
            for (int i = 0; i < left.size(); i++) {
                int page = (int) (left.address(i) / 4096);
                for (int p = page; p < page + left.pages(i); p++) {
                    deferred[(int) left.space(i)][p] = true;
                    owed[(int) left.space(i)][p] = true;
                }
            }
            sentInEpoch = 0;
        }

        /** All that is written or deferred, with nobody writing. */
        void freeze() {
            PageRuns runs = new PageRuns();
            for (int space = 1; space <= spaces; space++) {
                for (int p = 0; p < PAGES; p++) {
                    report(space, p, runs);
                }
            }
            for (int i = 0; i < runs.size(); i++) {
                int space = (int) runs.space(i);
                int p = (int) (runs.address(i) / 4096);
                replica[space][p] = runs.source(i) == PageSource.ZERO ? HOLE : content[space][p];
            }
        }

        @Override
        public long linkBytesPerSecond() {
            return 400L * 4096 * 100;
        }

        @Override
        public boolean full() {
            return sentInEpoch > 4000;
        }

        @Override
        public long nanos() {
            return now;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"address", "microwiper", "combined"})
    void shouldHoldAnExactReplicaWhateverWasLeftForLaterAndChangedMeanwhile(String policy) {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int run = 0; run < 20; run++) {
            Host host = new Host(random);
            Rounds rounds = new Rounds(PropagationPolicy.named(policy), new WriteModel());
            for (int epoch = 0; epoch < 4; epoch++) {
                PageRuns hot = new PageRuns();
                if (rounds.holdsHotRuns() && random.nextBoolean()) {
                    hot.add(1, 0, 40, PageSource.BYTES);
                }
                host.seal(rounds.steady(host, hot).left());
            }
            host.fork();
            var move = new Rounds.Move(new StopRule(host.nanos() + 400_000_000L), RoundListener.NONE);
            Rounds.Result result;
            do {
                result = rounds.converge(host, move);
                host.seal(result.left());
            } while (result.stop() == null);
            host.freeze();

            assertArrayEquals(host.content[1], host.replica[1]);
            assertArrayEquals(host.content[2], host.replica[2]);
            assertTrue(host.zeros > 0 && host.sameAs > 0, "nothing was dropped or shared");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"microwiper", "combined"})
    void shouldHoldHotRunsWhileNobodyAsksForAMove(String policy) {
        Host host = new Host(new Random(1));
        host.idle = true;
        Rounds rounds = new Rounds(PropagationPolicy.named(policy), new WriteModel());
        host.seal(rounds.steady(host, new PageRuns()).left());
        for (int p = 0; p < 100; p++) {
            host.write(1, p);
        }
        PageRuns hot = new PageRuns();
        hot.add(1, 0, 100, PageSource.BYTES);

        Rounds.Result result = rounds.steady(host, hot);

        assertEquals(100, result.left().totalPages());
        assertEquals(RoundEnd.REWRITING, result.end());
    }
}
