package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.decamp.restorer.engine.lazy.ServedMap.Extent;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaFileTest {
    private static final long PAGE = 4096;
    private static final long BASE = 1L << 40;
    private static final int PAGES = 200;

    @TempDir
    Path directory;

    @Test
    void shouldTellDataFromHolesAlikeWithAndWithoutAnIndex() throws IOException {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        Path file = directory.resolve("space-1");
        BitSet data = new BitSet();
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(BASE + 2 * PAGES * PAGE);
            for (int page = 0; page < PAGES; page++) {
                if (random.nextInt(3) > 0) {
                    data.set(page);
                    sparse.seek(BASE + page * PAGE);
                    sparse.write(page + 1);
                }
            }
        }
        ServedMap map = new ServedMap();
        map.put(new Extent(0x10000, 0x10000 + PAGES * PAGE, BASE));
        try (ReplicaFile replica = ReplicaFile.open(file, map)) {
            check(replica, data);

            replica.index();

            check(replica, data);
        }
    }

    private static void check(ReplicaFile replica, BitSet data) {
        for (int from = 0; from < PAGES; from++) {
            for (int to = from + 1; to <= Math.min(PAGES, from + 20); to++) {
                int next = data.nextSetBit(from);
                long limit = BASE + to * PAGE;
                assertEquals(
                        next < 0 ? limit : Math.min(limit, BASE + next * PAGE),
                        replica.nextData(BASE + from * PAGE, limit));
                if (data.get(from)) {
                    assertEquals(
                            Math.min(limit, BASE + data.nextClearBit(from) * PAGE),
                            replica.nextHole(BASE + from * PAGE, limit));
                }
            }
            if (data.get(from)) {
                byte first = MemorySegment.ofAddress(replica.address(BASE + from * PAGE, PAGE))
                        .reinterpret(1)
                        .get(ValueLayout.JAVA_BYTE, 0);
                assertEquals((byte) (from + 1), first);
            }
        }
    }
}
