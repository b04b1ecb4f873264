package io.decamp.restorer.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime;
import io.decamp.contracts.port.NodeSettings;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.contracts.port.WorkloadRuntime;
import io.decamp.contracts.port.WorkloadRuntime.Frozen;
import io.decamp.contracts.port.WorkloadRuntime.State;
import io.decamp.introspector.engine.runtime.RuncRuntime;
import io.decamp.linux.command.JobProcesses;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.RuncBundle;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Tools;
import io.decamp.testkit.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One container on two nodes that share nothing but the machine; each has a root file system of its own. */
class RuncCopyTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Path directory;
    private WorkloadId id;
    private RuncBundle at;
    private RuncBundle there;
    private NodeSettings to;
    private WorkloadRuntime source;
    private CopyRuntime copies;

    @BeforeEach
    void setUp() throws IOException {
        Kernel.require(KernelFeature.PID_NAMESPACES, KernelFeature.PTRACE_ANY);
        directory = Scratch.onTmpfs("runc-lab");
        String name = directory.getFileName().toString();
        id = new WorkloadId("runc:" + name);
        at = RuncBundle.create(directory.resolve("from"), "/" + name + "-from", ChainSpec.of(16, 512));
        source = new RuncRuntime(settings("from", at));
        at.start(name);
    }

    private NodeSettings settings(String node, RuncBundle bundle) {
        return new NodeSettings(
                new NodeId(node),
                directory.resolve(node).resolve("state"),
                directory.resolve(node).resolve("memory"),
                "/" + directory.getFileName() + "/" + node,
                List.of(Tools.criu().toString()),
                bundle.runc());
    }

    @AfterEach
    void tearDown() {
        new JobProcesses(directory.resolve("from/memory/freeze").resolve(id.fileName())).kill(LIMIT);
        at.close();
        if (there != null) {
            there.close();
        }
        Trees.delete(directory);
    }

    private Frozen freeze() {
        return source.freeze(id, "m1", directory.resolve("from/memory/parts"), () -> {});
    }

    /** The replica, and the root file system as it is when frozen. */
    private SealedReplica arrive(Frozen frozen) {
        there = at.copyTo(directory.resolve("to"), "/" + directory.getFileName() + "-to");
        to = settings("to", there);
        copies = new RuncCopy(to, null, Long.MAX_VALUE);
        return CopyLab.seal(to, frozen, source.find(id).initPid());
    }

    @Test
    void shouldRunOnWhenThawed() {
        freeze();
        assertEquals(State.FROZEN, source.find(id).state());

        source.thaw(id);

        at.log().awaitLines(20, LIMIT);
        assertEquals(State.RUNNING, source.find(id).state());
        at.log().stopAndJudge().check();
    }

    @Test
    void shouldDieWithoutAnotherStepAndKeepItsRootFileSystemWhenKilled() {
        freeze();
        long lines = at.log().lines();
        List<Path> files = at.files();

        source.kill(id);

        assertEquals(List.of(), at.log().inits());
        assertEquals(lines, at.log().lines());
        assertEquals(files, at.files());
        DecampException gone = assertThrows(DecampException.class, () -> source.find(id));
        assertEquals("workload-not-found", gone.code());
        source.kill(id);
    }

    @Test
    void shouldStayFrozenWhenCriuAndRuncAreKilled() {
        freeze();
        long lines = at.log().lines();

        new JobProcesses(directory.resolve("from/memory/freeze").resolve(id.fileName())).kill(LIMIT);

        assertEquals(WorkloadRuntime.Hold.HELD_BY_FREEZER, source.hold(id));
        assertEquals(lines, at.log().lines());
        source.thaw(id);
        at.log().awaitLines(20, LIMIT);
        at.log().stopAndJudge().check();
    }

    @Test
    void shouldGoOnWhereItsSourceStoppedWhenReleased() {
        SealedReplica replica = arrive(freeze());
        long lines = at.log().lines();
        List<Path> files = there.files();
        copies.prepare(id, replica, there.directory());
        assertEquals(CopyRuntime.Hold.HELD, new RuncCopy(to, null, Long.MAX_VALUE).hold(id));
        assertEquals(lines, there.log().lines());
        source.kill(id);

        copies.release(id);

        there.log().awaitLines(20, LIMIT);
        assertEquals(lines, at.log().lines());
        assertEquals(files, there.files());
        assertEquals(State.RUNNING, new RuncRuntime(to).find(id).state());
        there.log().stopAndJudge().check();
    }

    @Test
    void shouldKeepTheRootFileSystemWhenACopyIsDestroyed() {
        SealedReplica replica = arrive(freeze());
        List<Path> files = there.files();
        copies.prepare(id, replica, there.directory());

        copies.destroy(id);

        assertEquals(files, there.files());
        assertEquals(List.of(), there.log().inits());
        assertEquals(CopyRuntime.Hold.NONE, copies.hold(id));
        copies.prepare(id, replica, there.directory());
        source.kill(id);
        copies.release(id);
        there.log().awaitLines(20, LIMIT);
        there.log().stopAndJudge().check();
        assertEquals(files, there.files());
    }

    @Test
    void shouldKeepTheRootFileSystemAndTheSourceWhenARestoreFails() throws IOException {
        SealedReplica replica = arrive(freeze());
        List<Path> files = there.files();
        Files.write(replica.partsDirectory().resolve("core-1.img"), new byte[] {1, 2, 3, 4, 5, 6, 7, 8});

        DecampException failure =
                assertThrows(DecampException.class, () -> copies.prepare(id, replica, there.directory()));

        assertEquals("restore-failed", failure.code());
        assertTrue(failure.getMessage().contains("magic"), failure::getMessage);
        assertEquals(files, there.files());
        assertEquals(CopyRuntime.Hold.NONE, copies.hold(id));
        assertNoMountsBelow(directory);
        source.thaw(id);
        at.log().awaitLines(20, LIMIT);
    }

    private static void assertNoMountsBelow(Path directory) throws IOException {
        List<String> left = Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                .filter(line -> line.split(" ")[4].startsWith(directory + "/"))
                .toList();
        assertEquals(List.of(), left);
    }
}
