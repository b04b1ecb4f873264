package io.decamp.transfer.engine.replica;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.page.AddressSpace;
import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameHeader;
import io.decamp.contracts.page.PageSource;
import io.decamp.contracts.port.SealedReplica;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Copies the directory at every named point of a seal, as a crash would leave it, and opens each copy. An epoch is
 * there
 * whole or not at all.
 */
class CrashDuringSealTest {
    private static final long A = 0x7000L;
    private static final long B = 0x9000L;

    private record Crash(String step, Path memory) {}

    private final List<Crash> crashes = new ArrayList<>();
    private Path root;
    private Path memory;
    /** Where the store under test works. */
    private Path live;

    @BeforeEach
    void make() throws IOException {
        root = TransferFixture.temporary();
        memory = Files.createDirectory(root.resolve("live"));
        live = memory;
    }

    @AfterEach
    void clean() throws IOException {
        Trees.delete(root);
    }

    @Test
    void shouldHoldOldOrNewEpochWholeWhereverTheFirstSealIsCutOff() throws IOException {
        try (ReplicaStore store = ReplicaStore.open(memory, TransferFixture.ROOMY, this::crash)) {
            sealOne(store);
        }
        assertTrue(crashes.size() >= 4, crashes.toString());
        for (Crash crash : crashes) {
            try (ReplicaStore store = ReplicaStore.open(crash.memory, TransferFixture.ROOMY)) {
                boolean sealed = store.sealed(TransferFixture.WORKLOAD, 1).isPresent();
                assertEquals(crash.step.equals("direct-sealed"), sealed, crash.step);
                if (sealed) {
                    checkFirst(store, crash);
                }
            }
        }
    }

    @Test
    void shouldHoldOldOrNewEpochWholeWhereverALaterSealIsCutOff() throws IOException {
        try (ReplicaStore store = ReplicaStore.open(memory, TransferFixture.ROOMY)) {
            sealOne(store);
        }
        try (ReplicaStore store = ReplicaStore.open(memory, TransferFixture.ROOMY, this::crash)) {
            sealTwo(store);
        }
        assertTrue(crashes.size() >= 14, crashes.toString());
        for (Crash crash : crashes) {
            try (ReplicaStore store = ReplicaStore.open(crash.memory, TransferFixture.ROOMY)) {
                if (crash.step.equals("journal-complete")) {
                    checkFirst(store, crash);
                } else {
                    checkSecond(store, crash);
                }
                assertFalse(Files.exists(replica(crash.memory).resolve("staging/parts")), crash.step);
            }
        }
    }

    @Test
    void shouldRepeatARedoThatCrashesItself() throws IOException {
        try (ReplicaStore store = ReplicaStore.open(memory, TransferFixture.ROOMY)) {
            sealOne(store);
        }
        try (ReplicaStore store = ReplicaStore.open(memory, TransferFixture.ROOMY, this::crash)) {
            sealTwo(store);
        }
        Path cut = crashes.stream().filter(c -> c.step.equals("sealing")).findFirst().orElseThrow().memory;
        crashes.clear();
        live = cut;
        ReplicaStore.open(cut, TransferFixture.ROOMY, this::crash).close();
        for (Crash crash : List.copyOf(crashes)) {
            try (ReplicaStore store = ReplicaStore.open(crash.memory, TransferFixture.ROOMY)) {
                checkSecond(store, crash);
            }
        }
    }

    /** Space 1 holds A=1, B=2; space 2 holds A=3; part "one". */
    private static void sealOne(ReplicaStore store) {
        try (ReplicaStore.Lease lease = store.lease(TransferFixture.WORKLOAD, 1, () -> {})) {
            Replica r = lease.replica();
            r.begin(1, 0);
            run(r, 1, A, PageSource.BYTES, 0, 1);
            run(r, 1, B, PageSource.BYTES, 0, 2);
            run(r, 2, A, PageSource.BYTES, 0, 3);
            part(r, "one");
            r.seal(seal(1, 1, 2));
        }
    }

    /** A of space 3 becomes what space 1 had, then space 1 changes: order matters. Space 2 ends. Part "two". */
    private static void sealTwo(ReplicaStore store) {
        try (ReplicaStore.Lease lease = store.lease(TransferFixture.WORKLOAD, 1, () -> {})) {
            Replica r = lease.replica();
            r.begin(2, 1);
            run(r, 3, B, PageSource.BYTES, 0, 8);
            run(r, 3, A, PageSource.SAME_AS, 1, 0);
            run(r, 1, A, PageSource.BYTES, 0, 4);
            run(r, 1, B, PageSource.ZERO, 0, 0);
            part(r, "two");
            r.seal(seal(2, 1, 3));
        }
    }

    private static void checkFirst(ReplicaStore store, Crash crash) throws IOException {
        SealedReplica r = store.sealed(TransferFixture.WORKLOAD, 1).orElseThrow(() -> new AssertionError(crash.step));
        assertEquals(1, r.epoch(), crash.step);
        page(1, r, 1, A, crash);
        page(2, r, 1, B, crash);
        page(3, r, 2, A, crash);
        assertFalse(Files.exists(r.spaceFile(3)), crash.step);
        parts(r, "one", crash);
    }

    private static void checkSecond(ReplicaStore store, Crash crash) throws IOException {
        SealedReplica r = store.sealed(TransferFixture.WORKLOAD, 1).orElseThrow(() -> new AssertionError(crash.step));
        assertEquals(2, r.epoch(), crash.step);
        page(4, r, 1, A, crash);
        page(0, r, 1, B, crash);
        page(1, r, 3, A, crash);
        page(8, r, 3, B, crash);
        assertFalse(Files.exists(r.spaceFile(2)), crash.step);
        parts(r, "two", crash);
    }

    private static void page(int fill, SealedReplica r, long space, long address, Crash crash) throws IOException {
        byte[] expected = new byte[4096];
        Arrays.fill(expected, (byte) fill);
        assertArrayEquals(expected, TransferFixture.page(r.spaceFile(space), address), crash.step);
    }

    private static void parts(SealedReplica r, String name, Crash crash) throws IOException {
        try (var files = Files.list(r.partsDirectory())) {
            assertEquals(List.of(name), files.map(f -> f.getFileName().toString()).toList(), crash.step);
        }
        assertEquals(name, r.parts().getFirst().getName());
    }

    private static void run(Replica r, long space, long address, PageSource source, long sameAs, int fill) {
        FrameHeader h = new FrameHeader();
        h.space = space;
        h.address = address;
        h.pages = 1;
        h.source = source;
        h.sameAs = sameAs;
        ByteBuffer payload = ByteBuffer.allocate(4096);
        Arrays.fill(payload.array(), (byte) fill);
        h.payloadCrc = crc(payload);
        r.pages(h, payload, () -> false);
    }

    private static void part(Replica r, String name) {
        ByteBuffer content = ByteBuffer.wrap(name.getBytes());
        r.part(new ControlFrame.PartChunk(name, content.remaining(), 0), crc(content), content, () -> false);
    }

    private static int crc(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        return (int) crc.getValue();
    }

    private static ControlFrame.Seal seal(int epoch, long... spaces) {
        byte[] digest = new byte[32];
        digest[0] = (byte) epoch;
        return new ControlFrame.Seal(
                true, Arrays.stream(spaces).mapToObj(id -> new AddressSpace(id, 1)).toList(), digest);
    }

    private static Path replica(Path memory) {
        return memory.resolve("replicas").resolve(TransferFixture.WORKLOAD.fileName()).resolve("g1");
    }

    private void crash(String step) {
        try {
            Path copy = root.resolve("crash-" + root.toFile().list().length);
            Process cp = new ProcessBuilder("cp", "-a", "--sparse=always", live.toString(), copy.toString())
                    .inheritIO()
                    .start();
            assertEquals(0, cp.waitFor());
            crashes.add(new Crash(step, copy));
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
