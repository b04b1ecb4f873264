package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.fd.FdTrace;
import io.decamp.restorer.engine.image.ReplicaImages;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainOracle;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Procs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LazyRestoreTest {
    private LazyLab lab;
    private LazyPageServers servers;

    @BeforeEach
    void open() {
        lab = new LazyLab();
        servers = lab.servers();
    }

    @AfterEach
    void close() {
        servers.close();
        lab.close();
    }

    @Test
    void shouldGiveAHeldCopyEveryPageOfItsReplica() throws IOException {
        long copy = hold(ChainSpec.of(64, 2000).withZeroPercent(20).withTree(2, 2));

        servers.beginFill(LazyLab.ID);
        lab.awaitComplete();

        assertTrue(lab.comparePages(copy) > 64 * 256 * 7 / 10);
        assertFalse(Files.exists(lab.base.resolve("lazy").resolve(LazyLab.ID.fileName())));
        assertEquals(LazyPages.State.NONE, servers.state(LazyLab.ID));
        System.out.println("held after " + lab.restoreMillis + " ms, " + lab.complete);
        lab.release();
        endWell(copy);
    }

    @Test
    void shouldCloseEveryDescriptorWhenAllMemoryIsInPlace() throws IOException {
        SealedReplica replica = freezeChain(ChainSpec.of(16, 2000).withTree(1, 2));
        FdTrace.start();
        long copy = hold(replica);
        servers.beginFill(LazyLab.ID);
        lab.awaitComplete();

        assertEquals(List.of(), FdTrace.stop());
        lab.release();
        endWell(copy);
    }

    @Test
    void shouldRestoreEveryProcessOfATreeFromItsOwnParentImage() throws IOException {
        SealedReplica replica = freezeChain(ChainSpec.of(64, 2000).withZeroPercent(20).withTree(2, 2));
        ReplicaImages.eager(lab.images, lab.base.resolve("parent"), replica);

        long copy = lab.restoreEagerly();

        System.out.println("eager: held after " + lab.restoreMillis + " ms");
        lab.release();
        endWell(copy);
    }

    @Test
    void shouldAnswerFaultsWithoutAnyFill() throws IOException {
        long copy = hold(ChainSpec.of(64, 20_000));

        lab.release();
        lines(300);
        assertEquals(LazyPages.State.SERVING, servers.state(LazyLab.ID));
        servers.beginFill(LazyLab.ID);
        lab.awaitComplete();

        assertTrue(lab.complete.get(LazyLab.ID).faults() > 100, lab.complete.toString());
        endWell(copy);
    }

    @Test
    void shouldFillWhileTheCopyRuns() throws IOException {
        long copy = hold(ChainSpec.of(64, 20_000).withTree(1, 2));

        lab.release();
        servers.beginFill(LazyLab.ID);
        lab.awaitComplete();

        endWell(copy);
    }

    @Test
    void shouldKeepUpWithAWorkloadThatChangesItsMappings() throws IOException {
        long copy = holdRemapper(20_000);

        lab.release();
        Files.createFile(lab.base.resolve("go"));
        awaitVerdict();
        assertEquals(LazyPages.State.SERVING, servers.state(LazyLab.ID), "faults and events only");
        servers.beginFill(LazyLab.ID);
        lab.awaitComplete();

        assertTrue(Procs.alive(copy));
    }

    @Test
    void shouldKeepUpWithAWorkloadThatChangesItsMappingsDuringTheFill() throws IOException {
        long copy = holdRemapper(20_000);

        lab.release();
        Files.createFile(lab.base.resolve("go"));
        Await.until("a first fault", LazyLab.LIMIT, () -> verdict().size() == 1);
        servers.beginFill(LazyLab.ID);
        lab.awaitComplete();
        awaitVerdict();

        assertTrue(Procs.alive(copy));
    }

    private long hold(ChainSpec spec) throws IOException {
        return hold(freezeChain(spec));
    }

    private long hold(SealedReplica replica) throws IOException {
        Path work = servers.start(LazyLab.ID, replica, lab.images);
        long copy = lab.restore(work);
        servers.requireAttached(LazyLab.ID);
        return copy;
    }

    private SealedReplica freezeChain(ChainSpec spec) throws IOException {
        Path log = lab.base.resolve("chain.log");
        List<String> command = spec.command(Path.of("chain"), log);
        long source = lab.start("chain", command.subList(1, command.size()).toArray(String[]::new));
        Await.until("first lines", LazyLab.LIMIT, () -> count(log) > 20L * spec.writers());
        return lab.freeze(source);
    }

    /** Prints what -Ddecamp.lazy.measure=MIB,... asks for; every run is verified. */
    @Test
    void shouldSayHowLongItTakes() throws IOException {
        for (String mib : System.getProperty("decamp.lazy.measure", "64").split(",")) {
            long copy = hold(ChainSpec.of(Integer.parseInt(mib), 1000));
            servers.beginFill(LazyLab.ID);
            lab.awaitComplete();

            LazyPages.Report report = lab.complete.get(LazyLab.ID);
            System.out.printf(
                    "%s MiB: criu restore %d ms, fill %d MB in %d ms = %.2f GB/s%n",
                    mib,
                    lab.restoreMillis,
                    report.filledBytes() / 1_000_000,
                    report.fillMillis(),
                    report.filledBytes() / 1e6 / Math.max(1, report.fillMillis()));
            lab.release();
            endWell(copy);
            close();
            open();
        }
    }

    private long holdRemapper(int operations) throws IOException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        long source = lab.start(
                "remapper",
                "--log=" + lab.base.resolve("remapper.log"),
                "--go=" + lab.base.resolve("go"),
                "--pages=16384",
                "--operations=" + operations,
                "--seed=" + seed);
        Await.until("ready", LazyLab.LIMIT, () -> verdict().size() == 1);
        Path work = servers.start(LazyLab.ID, lab.freeze(source), lab.images);
        long copy = lab.restore(work);
        servers.requireAttached(LazyLab.ID);
        return copy;
    }

    private List<String> verdict() {
        try {
            return Files.readAllLines(lab.base.resolve("remapper.log"));
        } catch (IOException e) {
            return List.of();
        }
    }

    private void awaitVerdict() {
        Await.until(() -> "a verdict; lost: " + lab.lost, LazyLab.LIMIT, () -> verdict().size() > 1);
        assertTrue(verdict().get(1).startsWith("ok "), verdict().toString());
        System.out.println(verdict());
    }

    private void lines(int more) {
        Path log = lab.base.resolve("chain.log");
        long wanted = count(log) + more;
        Await.until("more lines", LazyLab.LIMIT, () -> count(log) >= wanted);
    }

    private static long count(Path log) {
        try (var lines = Files.lines(log)) {
            return lines.count();
        } catch (IOException e) {
            return 0;
        }
    }

    private void endWell(long copy) {
        lines(100);
        Procs.terminate(copy);
        Await.until("the end of the copy", LazyLab.LIMIT, () -> !Procs.alive(copy));
        ChainOracle.judgeEnded(lab.base.resolve("chain.log")).check();
    }
}
