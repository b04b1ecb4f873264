package io.decamp.model.sim;

import static io.decamp.model.sim.SimServices.WORKLOAD;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.decamp.contracts.handoff.Digest;
import io.decamp.contracts.handoff.HandoffRecords;
import io.decamp.contracts.handoff.HandoffState;
import io.decamp.contracts.handoff.HandoffState.Owned;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.v1.SnapshotReady;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The real actors and their files, over a register and runtimes that misbehave as a printed seed says. */
class HandoffSimulationTest {
    private static final int SEEDS = 300;
    private static final int MOVES_OF_CHAOS = 250;
    private static final int MOVES_OF_HEALING = 400;

    /** Kept, or its level would be collected with it. */
    private static final Logger LOG = Logger.getLogger("io.decamp");

    private Path directory;

    @BeforeAll
    static void quiet() {
        LOG.setLevel(Level.SEVERE);
    }

    @AfterAll
    static void loud() {
        LOG.setLevel(null);
    }

    /** In memory where there is such a place: the actors force their files to disk thousands of times. */
    @BeforeEach
    void makeDirectory() throws IOException {
        Path memory = Path.of("/dev/shm");
        directory = Files.isWritable(memory)
                ? Files.createTempDirectory(memory, "decamp-simulation")
                : Files.createTempDirectory("decamp-simulation");
    }

    @AfterEach
    void deleteDirectory() throws IOException {
        delete(directory);
    }

    /** Advances only when told. */
    private static final class SimClock extends Clock {
        private Instant now = Instant.ofEpochSecond(1_000_000);

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private final class Run {
        final Random random;
        final SimRegister register;
        final Set<Digest> ran = new HashSet<>();
        final SimNode[] nodes;
        final SimServices[] services = new SimServices[2];
        final SimClock clock = new SimClock();
        final Path home;
        final boolean powerFails;
        SnapshotReady announced;
        int freezes;

        Run(long seed, boolean powerFails) throws IOException {
            this.powerFails = powerFails;
            random = new Random(seed);
            register = new SimRegister(random);
            nodes = new SimNode[] {
                new SimNode(new NodeId("alpha"), random, ran), new SimNode(new NodeId("beta"), random, ran)
            };
            home = Files.createTempDirectory(directory, "run");
            register.append(HandoffRecords.claim(WORKLOAD, 1, nodes[0].id));
            nodes[0].running = true;
            restart(0);
            restart(1);
        }

        void restart(int i) {
            services[i] = new SimServices(nodes[i], register, memory(i), home.resolve("state-" + i), clock);
        }

        Path memory(int i) {
            return home.resolve("memory-" + i);
        }

        void chaos() throws IOException {
            register.lossPercent = 30;
            nodes[0].failPercent = nodes[1].failPercent = 10;
            for (int k = 0; k < MOVES_OF_CHAOS; k++) {
                oneMove();
                assertTrue(running() <= 1, () -> "two copies run: " + register.records());
            }
        }

        private void oneMove() throws IOException {
            int i = random.nextInt(2);
            if (!nodes[i].up) {
                if (random.nextInt(5) == 0) {
                    nodes[i].up = true;
                    restart(i);
                }
                return;
            }
            switch (random.nextInt(20)) {
                case 0, 1, 2, 3 -> services[i].register.readOn();
                case 4, 5, 6, 7 -> services[i].stepSource();
                case 8, 9, 10, 11 -> services[i].stepDestination();
                case 12, 13 -> deliver(i);
                case 14 -> register.landOne();
                case 15 -> clock.now = clock.now.plus(Duration.ofSeconds(3));
                case 16 -> restart(i);
                case 17, 18 -> move(i);
                default -> {
                    if (powerFails && random.nextInt(4) == 0) {
                        losePower(i);
                    }
                }
            }
        }

        private void move(int i) {
            if (!services[i].mayMove() || !nodes[1 - i].up) {
                return;
            }
            byte[] bytes = new byte[32];
            bytes[0] = (byte) ++freezes;
            Digest digest = new Digest(bytes);
            nodes[i].freeze(digest);
            nodes[1 - i].replica = digest;
            announced = SnapshotReady.newBuilder()
                    .setWorkload(WORKLOAD.value())
                    .setNode(nodes[i].id.value())
                    .setDestination(nodes[1 - i].id.value())
                    .setGeneration(1)
                    .setFinal(true)
                    .setMigration("m" + freezes)
                    .setTerm(services[i].register.current(WORKLOAD).term() + 1)
                    .setDigest(ByteString.copyFrom(bytes))
                    .build();
            if (random.nextInt(5) == 0) {
                restart(i);
            } else {
                services[i].offer(nodes[1 - i], digest, "m" + freezes);
            }
        }

        private void deliver(int i) {
            if (announced != null && announced.getDestination().equals(nodes[i].id.value())) {
                services[i].destination.ready(announced, Context.root());
            }
        }

        private void losePower(int i) throws IOException {
            nodes[i].losePower();
            delete(memory(i));
            if (random.nextBoolean()) {
                fence(i);
            }
        }

        private void fence(int i) {
            register.append(HandoffRecords.fenced(WORKLOAD, register.truth(), nodes[i].id, "off", "operator"));
            // whoever fences accepts that the other node goes on from the freeze
            ran.clear();
        }

        /** No more bad luck: every record lands, criu works, what is off is fenced and boots. */
        void heal() {
            register.lossPercent = 0;
            nodes[0].failPercent = nodes[1].failPercent = 0;
            for (int i = 0; i < 2; i++) {
                if (!nodes[i].up) {
                    fence(i);
                    nodes[i].up = true;
                    restart(i);
                }
            }
            for (int k = 0; k < MOVES_OF_HEALING; k++) {
                register.landAll();
                int i = k % 2;
                services[i].register.readAll();
                deliver(i);
                services[i].stepSource();
                services[i].stepDestination();
                clock.now = clock.now.plus(Duration.ofSeconds(1));
                assertTrue(running() <= 1, () -> "two copies run: " + register.records());
            }
        }

        int running() {
            return nodes[0].runningCopies() + nodes[1].runningCopies();
        }

        void close() throws IOException {
            delete(home);
        }
    }

    private static void delete(Path path) throws IOException {
        if (Files.exists(path)) {
            try (Stream<Path> all = Files.walk(path)) {
                for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(p);
                }
            }
        }
    }

    @Test
    void shouldEndWithOneCopyRunningWhateverServicesAndRegisterDo() throws IOException {
        int freezes = 0;
        int moved = 0;
        long first = Long.getLong("decamp.seed", 1);
        for (long seed = first; seed < first + SEEDS; seed++) {
            Run run = new Run(seed, false);
            try {
                run.chaos();
                run.heal();
                assertEquals(1, run.running(), "running copies");
                HandoffState truth = run.register.truth();
                int owner = run.nodes[0].runningCopies() == 1 ? 0 : 1;
                assertEquals(new Owned(run.nodes[owner].id, truth.term()), truth, "the register");
                assertEquals("", run.services[0].openEnds() + run.services[1].openEnds(), "what is not done");
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + " (-Ddecamp.seed=" + seed + ")", e);
            }
            freezes += run.freezes;
            moved += run.nodes[0].copiesRun + run.nodes[1].copiesRun;
            run.close();
        }
        System.out.printf(
                "simulation: seeds %d..%d, %d freezes, %d copies ran%n", first, first + SEEDS - 1, freezes, moved);
        assertTrue(moved > SEEDS / 4, "the simulation hardly moves anything");
    }

    @Test
    void shouldNeverRunTwoCopiesWhenNodesLosePower() throws IOException {
        long first = Long.getLong("decamp.seed", 1);
        int survived = 0;
        for (long seed = first; seed < first + SEEDS; seed++) {
            Run run = new Run(seed, true);
            try {
                run.chaos();
                run.heal();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + " (-Ddecamp.seed=" + seed + ")", e);
            }
            survived += run.running();
            run.close();
        }
        System.out.printf("simulation with power losses: the workload survived %d of %d%n", survived, SEEDS);
        assertTrue(survived > 0, "the power losses leave nothing to judge");
    }
}
