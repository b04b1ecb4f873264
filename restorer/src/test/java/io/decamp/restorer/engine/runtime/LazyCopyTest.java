package io.decamp.restorer.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.contracts.port.CopyRuntime.Hold;
import io.decamp.contracts.port.SealedReplica;
import io.decamp.linux.probe.KernelFeature;
import io.decamp.restorer.engine.lazy.LazyPageServers;
import io.decamp.restorer.engine.lazy.LazyPages;
import io.decamp.testkit.Await;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Kernel;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.Procs;
import io.decamp.testkit.Scratch;
import io.decamp.testkit.Trees;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Copies whose memory comes on demand. */
class LazyCopyTest implements LazyPages.Listener {
    private final List<WorkloadId> complete = Collections.synchronizedList(new ArrayList<>());
    private final List<DecampException> lost = Collections.synchronizedList(new ArrayList<>());
    private CopyLab lab;
    private Path root;
    private LazyPages pages;

    @BeforeEach
    void setUp() throws IOException {
        Kernel.require(KernelFeature.USERFAULTFD_USER_MODE);
        root = Scratch.onTmpfs("lazy-copy");
        pages = new LazyPageServers(root, this);
        lab = new CopyLab(new DyingBeforeTheFill(pages), 0);
    }

    @AfterEach
    void tearDown() {
        lab.close();
        pages.close();
        Trees.delete(root);
    }

    @Override
    public void onComplete(WorkloadId id, LazyPages.Report report) {
        complete.add(id);
    }

    @Override
    public void onLost(WorkloadId id, DecampException reason) {
        lost.add(reason);
    }

    /** A service that is killed when its copy has just begun to run. */
    private record DyingBeforeTheFill(LazyPages pages) implements LazyPages {
        static final class Killed extends Error {}

        @Override
        public void beginFill(WorkloadId id) {
            throw new Killed();
        }

        @Override
        public Path start(WorkloadId id, SealedReplica replica, Path images) {
            return pages.start(id, replica, images);
        }

        @Override
        public void requireAttached(WorkloadId id) {
            pages.requireAttached(id);
        }

        @Override
        public State state(WorkloadId id) {
            return pages.state(id);
        }

        @Override
        public long remainingBytes(WorkloadId id) {
            return pages.remainingBytes(id);
        }

        @Override
        public List<WorkloadId> takeOver() {
            return pages.takeOver();
        }

        @Override
        public void destroy(WorkloadId id) {
            pages.destroy(id);
        }

        @Override
        public void close() {
            pages.close();
        }
    }

    /** Else it would be served for ever, and could not be protected for as long. */
    @Test
    void shouldFillInWhatRunsWhenTheServiceDiedBeforeItBeganTo() {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512).withTree(1, 2));
        WorkloadId id = lab.id(workload);
        lab.copies().prepare(id, lab.replicaOf(workload), null);
        lab.source().kill(id);
        assertThrows(DyingBeforeTheFill.Killed.class, () -> lab.copies().release(id));
        workload.log().awaitLines(20, CopyLab.LIMIT);
        restart();
        assertEquals(LazyPages.State.SERVING, pages.state(id));
        assertEquals(Hold.RELEASING, lab.copies().hold(id));

        lab.copies().release(id);

        assertEquals(Hold.RELEASED, lab.copies().hold(id));
        Await.until(() -> "all memory; lost: " + lost, CopyLab.LIMIT, () -> complete.contains(id));
        workload.stopAndJudge().check();
        assertTrue(lost.isEmpty(), lost::toString);
    }

    @Test
    void shouldNotSayThatACopyRunsWhoseMemoryWasLostBeforeItsReleaseWasOver() throws IOException {
        PidWorkload workload = lab.workload(ChainSpec.of(16, 512));
        WorkloadId id = lab.id(workload);
        lab.copies().prepare(id, lab.replicaOf(workload), null);
        assertThrows(DyingBeforeTheFill.Killed.class, () -> lab.copies().release(id));
        pages.close();
        killKeeper(id);
        restart();

        DecampException refusal = assertThrows(DecampException.class, () -> lab.copies().release(id));

        assertEquals("lazy-memory-lost", refusal.code());
        assertEquals("lazy-keeper-died", lost.getFirst().code());
        // it read zeros from the keeper's end until it was frozen, and may have died of them
        assertTrue(Set.of(Hold.RELEASING, Hold.NONE).contains(lab.copies().hold(id)));
    }

    private void killKeeper(WorkloadId id) throws IOException {
        Properties state = new Properties();
        try (Reader text = Files.newBufferedReader(root.resolve(id.fileName()).resolve("state"))) {
            state.load(text);
        }
        long keeper = Long.parseLong(state.getProperty("keepers").split(":")[0]);
        ProcessHandle.of(keeper).orElseThrow().destroyForcibly();
        Await.until("the end of the keeper", CopyLab.LIMIT, () -> !Procs.alive(keeper));
    }

    private void restart() {
        pages.close();
        pages = new LazyPageServers(root, this);
        pages.takeOver();
        lab.restarted(pages);
    }
}
