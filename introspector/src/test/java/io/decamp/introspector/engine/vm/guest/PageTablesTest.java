package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tables written by hand into a small memory; table N is at N pages. */
class PageTablesTest {
    private static final int PAGE = GuestRam.PAGE_BYTES;
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;
    private static final long TABLE = PageTables.PRESENT | PageTables.WRITE | 4;
    private static final long NO_EXECUTE = 1L << 63;

    private final MemorySegment memory = MemorySegment.ofArray(new byte[64 * PAGE]);
    private final GuestRam ram = GuestRam.of(memory, MemoryLayout.flat(64 * PAGE), "a test");
    private final PageTables four = new PageTables(ram, false);
    private final PageTables five = new PageTables(ram, true);

    private void entry(int table, int index, long value) {
        memory.set(GuestRam.U64, (long) table * PAGE + index * 8L, value);
    }

    private static long table(int number) {
        return (long) number * PAGE | TABLE;
    }

    private List<String> walk(PageTables tables, long from, long to) {
        List<String> leaves = new ArrayList<>();
        tables.walk(PAGE, from, to, (va, entry, bytes) -> leaves.add(Long.toHexString(va) + " " + bytes));
        return leaves;
    }

    /** Address 0x8040201000 has index 1 in all of four levels. */
    private void mapOneOfEachSize() {
        entry(1, 1, table(2));
        entry(2, 1, table(3));
        entry(3, 1, table(4));
        entry(4, 1, 9L * PAGE | TABLE | NO_EXECUTE);
        entry(3, 2, 16 * 2 * MIB | TABLE | PageTables.HUGE | 1 << 12);
        entry(2, 2, 5 * GIB | TABLE | PageTables.HUGE);
    }

    @Test
    void shouldTranslatePagesOfAllSizes() {
        mapOneOfEachSize();

        assertEquals(9 * PAGE + 0x123, four.translate(PAGE, 0x80_4020_1123L));
        assertEquals(32 * MIB + 0x1f_f123, four.translate(PAGE, 0x80_405f_f123L));
        assertEquals(5 * GIB + 0x3fff_f123, four.translate(PAGE, 0x80_bfff_f123L));
    }

    @Test
    void shouldTranslateTheUpperHalfAndFiveLevels() {
        mapOneOfEachSize();
        entry(1, 511, table(2));
        entry(8, 3, table(1));

        assertEquals(9 * PAGE, four.translate(PAGE, 0xffff_ff80_4020_1000L));
        assertEquals(9 * PAGE, five.translate(8 * PAGE, 3L << 48 | 0x80_4020_1000L));
    }

    @Test
    void shouldRefuseWhatIsNotMappedOrNotCanonical() {
        mapOneOfEachSize();
        entry(4, 2, 9L * PAGE);

        for (long va : new long[] {0, 0x80_4020_2000L, 0x80_4020_3000L, 1L << 47, 1L << 56 | 0x80_4020_1000L}) {
            assertEquals(Reason.UNMAPPED, assertThrows(GuestFault.class, () -> four.translate(PAGE, va)).reason());
        }
    }

    @Test
    void shouldRefuseTablesOutsideRam() {
        entry(1, 0, 0x7fff_ffff_f000L | TABLE);

        assertEquals(Reason.OUTSIDE, assertThrows(GuestFault.class, () -> four.translate(PAGE, 0)).reason());
        assertEquals(Reason.OUTSIDE, assertThrows(GuestFault.class, () -> walk(four, 0, PAGE)).reason());
        assertEquals(Reason.OUTSIDE, assertThrows(GuestFault.class, () -> four.translate(1L << 40, 0)).reason());
    }

    @Test
    void shouldTellLeavesInOrderAndOnlyOfTheRange() {
        mapOneOfEachSize();
        entry(4, 3, 0x1234L << 12);

        assertEquals(
                List.of("8040201000 4096", "8040203000 4096", "8040400000 2097152", "8080000000 1073741824"),
                walk(four, 0, four.userEnd()));
        assertEquals(List.of("8040203000 4096"), walk(four, 0x80_4020_2000L, 0x80_4020_4000L));
        assertEquals(List.of("8040400000 2097152"), walk(four, 0x80_4050_0000L, 0x80_4050_1000L));
        assertEquals(List.of(), walk(four, 0x80_4020_2000L, 0x80_4020_3000L));
        assertEquals(List.of(), walk(four, 0x80_4020_1000L, 0x80_4020_1000L));
    }

    @Test
    void shouldWalkOnlyTheLowerHalf() {
        assertThrows(GuestFault.class, () -> walk(four, 0, four.userEnd() + 1));
        assertThrows(GuestFault.class, () -> walk(four, -PAGE, PAGE));
        assertEquals(1L << 47, four.userEnd());
        assertEquals(1L << 56, five.userEnd());
    }

    @Test
    void shouldEndAtTablesThatContainThemselves() {
        for (int i = 0; i < 512; i++) {
            entry(1, i, table(1));
        }

        assertEquals(Reason.BOUND, assertThrows(GuestFault.class, () -> walk(five, 0, five.userEnd())).reason());
        // a single address is translated in as many steps as there are levels, wherever they lead
        assertEquals(PAGE, five.translate(PAGE, 0));
    }

    @Test
    void shouldKnowTheFrameOfInaccessiblePages() {
        long inverted = ~(9L * PAGE) & PageTables.ADDRESS | 1 << 8;

        assertTrue(PageTables.hasFrame(inverted));
        assertEquals(9 * PAGE, PageTables.frame(inverted, PAGE));
        assertEquals(9 * PAGE, PageTables.frame(9L * PAGE | TABLE | NO_EXECUTE, PAGE));
        assertEquals(2 * MIB, PageTables.frame(2 * MIB | 1 << 12 | TABLE | PageTables.HUGE, 2 * MIB));
        assertFalse(PageTables.hasFrame(0x1234L << 12));
    }
}
