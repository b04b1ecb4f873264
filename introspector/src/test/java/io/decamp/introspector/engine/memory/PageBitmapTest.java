package io.decamp.introspector.engine.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.testkit.Command;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PageBitmapTest {
    @TempDir
    Path directory;

    @Test
    void shouldAgreeWithABitSetOverRandomOperations() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        int size = 1 << 18;
        long base = PageBitmap.LIMIT_PAGES - size;
        BitSet model = new BitSet();
        BitSet otherModel = new BitSet();
        try (PageBitmap bitmap = PageBitmap.open(directory.resolve("a"));
                PageBitmap other = PageBitmap.open(directory.resolve("b"))) {
            for (int i = 0; i < 2000; i++) {
                int from = random.nextInt(size);
                int to = from + random.nextInt(Math.min(size - from, random.nextBoolean() ? 70 : 50_000) + 1);
                switch (random.nextInt(4)) {
                    case 0 -> {
                        bitmap.set(base + from, base + to);
                        model.set(from, to);
                    }
                    case 1 -> {
                        bitmap.clear(base + from, base + to);
                        model.clear(from, to);
                    }
                    case 2 -> {
                        other.set(base + from, base + to);
                        otherModel.set(from, to);
                    }
                    default -> {
                        bitmap.or(other, base + from, base + to);
                        model.or(range(otherModel, from, to));
                    }
                }
                assertEquals(model.cardinality(), bitmap.cardinality());
                int at = random.nextInt(size);
                assertEquals(model.get(at), bitmap.get(base + at));
                int next = model.nextSetBit(at);
                assertEquals(next < 0 ? -1 : base + next, bitmap.nextSet(base + at, base + size));
                assertEquals(base + Math.min(size, model.nextClearBit(at)), bitmap.nextClear(base + at, base + size));
            }
        }
    }

    @Test
    void shouldKeepWhatAnOwnerThatDiedHasStored() {
        PageBitmap dead = PageBitmap.open(directory.resolve("a"));
        dead.set(5, 8);
        dead.set(1L << 34, (1L << 34) + 1);
        dead.header(1, 42);
        try (PageBitmap bitmap = PageBitmap.open(directory.resolve("a"))) {
            assertEquals(4, bitmap.cardinality());
            assertEquals(42, bitmap.header(1));
            assertTrue(bitmap.get(1L << 34));
        }
    }

    @Test
    void shouldTakeLittleRoomForPagesFarApart() throws Exception {
        Path file =
                Path.of("/dev/shm/decamp-bitmap-test-" + ProcessHandle.current().pid());
        try (PageBitmap bitmap = PageBitmap.open(file)) {
            for (int i = 0; i < 20; i++) {
                bitmap.set(i * (1L << 30), i * (1L << 30) + 1);
            }
            bitmap.clear(0, PageBitmap.LIMIT_PAGES);
            assertEquals(-1, bitmap.nextSet(0, PageBitmap.LIMIT_PAGES));
            assertTrue(Long.parseLong(stat(file)) * 512 < 1 << 20);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    @Test
    void shouldTakeNoRoomForLookingAround() throws Exception {
        Path file = Path.of("/dev/shm/decamp-bitmap-look-" + ProcessHandle.current().pid());
        try (PageBitmap bitmap = PageBitmap.open(file)) {
            bitmap.set(1L << 34, (1L << 34) + 1);
            for (long page = 0; page < PageBitmap.LIMIT_PAGES; page += 1L << 24) {
                assertEquals(page == 1L << 34, bitmap.get(page));
            }
            assertEquals(1L << 34, bitmap.nextSet(0, PageBitmap.LIMIT_PAGES));
            assertEquals(1L << 35, bitmap.nextClear(1L << 35, PageBitmap.LIMIT_PAGES));
            assertTrue(Long.parseLong(stat(file)) * 512 <= 4 * 4096, "kept: " + stat(file));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    @Test
    void shouldRefuseAnAddressThatIsTooHigh() {
        assertThrows(DecampException.class, () -> PageBitmap.page(1L << 55));
    }

    private static String stat(Path file) {
        return Command.run("stat", "-c", "%b", file.toString()).check().output().strip();
    }

    private static BitSet range(BitSet set, int from, int to) {
        BitSet part = (BitSet) set.clone();
        part.clear(0, from);
        part.clear(to, Math.max(to, part.length()));
        return part;
    }
}
