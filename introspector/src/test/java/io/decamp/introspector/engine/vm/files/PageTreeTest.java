package io.decamp.introspector.engine.vm.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PageTreeTest {
    private static final long FIRST_NODE = 0xffff_8880_0000_1000L;
    private static final long FIRST_PAGE = 0xffff_ea00_0000_0000L;

    private final Map<Long, Integer> shifts = new HashMap<>();
    private final Map<Long, long[]> slots = new HashMap<>();
    private final List<String> found = new ArrayList<>();

    private long node(int shift, long... entries) {
        long address = FIRST_NODE + 0x240L * shifts.size() & ~3L;
        shifts.put(address, shift);
        long[] all = new long[PageTree.SLOTS];
        System.arraycopy(entries, 0, all, 0, entries.length);
        slots.put(address, all);
        return address;
    }

    private static long entry(long node) {
        return node | 2;
    }

    private static long page(long number) {
        return FIRST_PAGE + number * 64;
    }

    private static long sibling(int of) {
        return (long) of << 2 | 2;
    }

    private List<String> walk(long head, long end) {
        PageTree.walk(head, end, nodes(), new PageTree.Sink() {
            @Override
            public void folio(long index, long count, long page) {
                found.add(index + "+" + count + ":" + (page - FIRST_PAGE) / 64);
            }

            @Override
            public void elsewhere(long index, long count) {
                found.add(index + "+" + count + " elsewhere");
            }
        });
        return found;
    }

    private PageTree.Nodes nodes() {
        return new PageTree.Nodes() {
            @Override
            public int shift(long node) {
                return shifts.getOrDefault(node, -1);
            }

            @Override
            public long[] slots(long node) {
                return slots.get(node);
            }
        };
    }

    @Test
    void shouldFindNothingInAnEmptyTree() {
        assertEquals(List.of(), walk(0, 10));
    }

    @Test
    void shouldFindTheOnlyPageInTheHead() {
        assertEquals(List.of("0+1:7"), walk(page(7), 10));
    }

    @Test
    void shouldFindPagesOfTwoLevelsInOrder() {
        long low = node(0, page(1), 0, page(2));
        long high = node(0, 0, page(3));
        long top = node(6, entry(low), 0, entry(high));

        assertEquals(List.of("0+1:1", "2+1:2", "129+1:3"), walk(entry(top), 1000));
    }

    @Test
    void shouldStopBeforeTheEnd() {
        assertEquals(List.of("0+1:1"), walk(entry(node(0, page(1), page(2))), 1));
    }

    @Test
    void shouldTakeSiblingsForPartsOfTheirFolio() {
        long leaf = node(0, page(1), 0, 0, 0, page(8), sibling(4), sibling(4), sibling(4), page(30));

        assertEquals(List.of("0+1:1", "4+4:8", "8+1:30"), walk(entry(leaf), 100));
    }

    @Test
    void shouldTakeAnEntryOfAHigherLevelForAHugeFolio() {
        // 512 pages: eight slots of 64
        long[] entries = new long[8];
        Arrays.fill(entries, sibling(0));
        entries[0] = page(512);
        long top = node(6, entries);

        assertEquals(List.of("0+512:512"), walk(entry(top), 512));
    }

    @Test
    void shouldTellWhatIsSwappedOut() {
        assertEquals(List.of("0+1:1", "1+1 elsewhere"), walk(entry(node(0, page(1), 0x1235)), 2));
    }

    @Test
    void shouldRefuseATreeThatRunsInACircle() {
        long top = node(6);
        slots.get(top)[0] = entry(top);

        assertThrows(GuestFault.class, () -> walk(entry(top), 100));
    }

    @Test
    void shouldRefuseNodesThatAreNone() {
        assertThrows(GuestFault.class, () -> walk(entry(FIRST_NODE + 0x100000), 100));
    }

    @Test
    void shouldRefuseATreeThatIsBeingChanged() {
        long retry = 256 << 2 | 2;

        assertThrows(GuestFault.class, () -> walk(entry(node(0, page(1), retry)), 100));
    }

    @Test
    void shouldFindEveryPageOfARandomTree() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        TreeMap<Long, Long> pages = new TreeMap<>();
        long[] leaves = new long[PageTree.SLOTS];
        for (int i = 0; i < leaves.length; i++) {
            if (random.nextInt(3) == 0) {
                continue;
            }
            long[] entries = new long[PageTree.SLOTS];
            for (int j = 0; j < entries.length; j++) {
                if (random.nextBoolean()) {
                    long number = random.nextInt(1 << 20);
                    entries[j] = page(number);
                    pages.put(i * 64L + j, number);
                }
            }
            leaves[i] = entry(node(0, entries));
        }

        walk(entry(node(6, leaves)), 1 << 12);

        List<String> wanted = new ArrayList<>();
        pages.forEach((index, number) -> wanted.add(index + "+1:" + number));
        assertTrue(wanted.equals(found), "seed " + seed);
    }
}
