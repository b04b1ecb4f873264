package io.decamp.restorer.engine.lazy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.decamp.restorer.engine.image.PagemapRun;
import io.decamp.restorer.engine.lazy.ServedMap.Extent;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ServedMapTest {
    private static final long PAGE = 4096;

    @Test
    void shouldSplitAnExtentAroundWhatIsRemoved() {
        ServedMap map = map(10, 20);

        map.remove(12 * PAGE, 14 * PAGE);

        assertEquals(List.of(extent(10, 12, 10), extent(14, 20, 14)), extents(map));
        assertNull(map.at(13 * PAGE));
        assertEquals(8 * PAGE, map.bytes());
    }

    @Test
    void shouldReadFromTheOldPlaceAfterAMove() {
        ServedMap map = map(10, 20);

        map.move(12 * PAGE, 100 * PAGE, 4 * PAGE);

        assertEquals(
                List.of(extent(10, 12, 10), extent(16, 20, 16), extent(100, 104, 12)), extents(map));
        assertEquals(13 * PAGE, map.at(101 * PAGE).originOf(101 * PAGE));
    }

    @Test
    void shouldForgetWhatAMoveLandsOn() {
        ServedMap map = map(10, 20);

        map.move(18 * PAGE, 10 * PAGE, 4 * PAGE);

        assertEquals(List.of(extent(10, 12, 18), extent(14, 18, 14)), extents(map));
    }

    @Test
    void shouldLeaveTheParentAloneWhenTheChildDropsMemory() {
        ServedMap parent = map(10, 20);
        ServedMap child = parent.copy();

        child.remove(0, 100 * PAGE);

        assertEquals(List.of(extent(10, 20, 10)), extents(parent));
        assertEquals(0, child.bytes());
    }

    @Test
    void shouldContinueInsideAnExtentOrAtTheNextOne() {
        ServedMap map = map(10, 20);

        assertEquals(extent(15, 20, 15), map.from(15 * PAGE));
        assertEquals(extent(10, 20, 10), map.from(3 * PAGE));
        assertNull(map.from(20 * PAGE));
    }

    @Test
    void shouldAgreeWithAPageTableUnderAnyHistory() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        int pages = 64;
        for (int round = 0; round < 300; round++) {
            long[] table = new long[pages];
            ServedMap map = new ServedMap();
            for (int step = 0; step < 40; step++) {
                int from = random.nextInt(pages);
                int length = 1 + random.nextInt(pages - from);
                int to = random.nextInt(pages - length + 1);
                switch (random.nextInt(3)) {
                    case 0 -> {
                        long origin = 1000 + random.nextInt(1000);
                        map.put(new Extent(from * PAGE, (from + length) * PAGE, origin * PAGE));
                        for (int i = 0; i < length; i++) {
                            table[from + i] = origin + i;
                        }
                    }
                    case 1 -> {
                        map.remove(from * PAGE, (from + length) * PAGE);
                        for (int i = 0; i < length; i++) {
                            table[from + i] = 0;
                        }
                    }
                    default -> {
                        if (to + length <= from || from + length <= to) {
                            map.move(from * PAGE, to * PAGE, length * PAGE);
                            for (int i = 0; i < length; i++) {
                                table[to + i] = table[from + i];
                                table[from + i] = 0;
                            }
                        }
                    }
                }
                check(table, map);
            }
        }
    }

    private static void check(long[] table, ServedMap map) {
        long bytes = 0;
        for (int i = 0; i < table.length; i++) {
            Extent extent = map.at(i * PAGE);
            assertEquals(table[i], extent == null ? 0 : extent.originOf(i * PAGE) / PAGE, "page " + i);
            bytes += table[i] == 0 ? 0 : PAGE;
        }
        assertEquals(bytes, map.bytes());
    }

    private static ServedMap map(long fromPage, long toPage) {
        return ServedMap.of(List.of(new PagemapRun(fromPage * PAGE, toPage - fromPage, PagemapRun.LAZY)));
    }

    private static Extent extent(long fromPage, long toPage, long originPage) {
        return new Extent(fromPage * PAGE, toPage * PAGE, originPage * PAGE);
    }

    private static List<Extent> extents(ServedMap map) {
        List<Extent> all = new ArrayList<>();
        map.forEach(all::add);
        return all;
    }
}
