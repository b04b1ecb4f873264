package io.decamp.introspector.engine.vm.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import io.decamp.introspector.engine.vm.guest.MemoryLayout.Range;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryLayoutTest {
    private static final long GIB = 1L << 30;

    /** QEMU 7.2, pc with 4 GiB: split at 3 GiB, with shadowed ROM, and another address space before it. */
    private static final String TREE = """
            FlatView #0
             AS "I/O", root: io
             Root memory region: io
              0000000000000000-0000000000000007 (prio 0, i/o): dma-chan

            FlatView #1
             AS "cpu-memory-0", root: system
             AS "memory", root: system
             Root memory region: system
              0000000000000000-000000000009ffff (prio 0, ram): ram KVM
              00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem
              00000000000c0000-00000000000e7fff (prio 0, rom): ram @00000000000c0000 KVM
              00000000000e8000-00000000000effff (prio 0, ram): ram @00000000000e8000 KVM
              00000000000f0000-00000000000fffff (prio 0, rom): ram @00000000000f0000 KVM
              0000000000100000-00000000bfffffff (prio 0, ram): ram @0000000000100000 KVM
              00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios KVM
              0000000100000000-000000013fffffff (prio 0, ram): ram @00000000c0000000 KVM

            FlatView #2
             AS "vga", root: bus master container
             Root memory region: (none)
              No rendered FlatView
            """;

    @Test
    void shouldJoinWhatContinuesAndKeepHoles() {
        MemoryLayout layout = MemoryLayout.parse(TREE, "ram");

        assertEquals(
                List.of(
                        new Range(0, 0xa0000, 0),
                        new Range(0xc0000, 3 * GIB - 0xc0000, 0xc0000),
                        new Range(4 * GIB, GIB, 3 * GIB)),
                layout.ranges());
        assertEquals(4 * GIB, layout.fileBytes());
        assertEquals(5 * GIB, layout.end());
    }

    @Test
    void shouldFindTheFileOffsetOfWhatLiesInOneRange() {
        MemoryLayout layout = MemoryLayout.parse(TREE, null);

        assertEquals(3 * GIB + 5, layout.fileOffset(4 * GIB + 5, 8));
        assertEquals(3 * GIB - 8, layout.fileOffset(3 * GIB - 8, 8));
        assertEquals(-1, layout.fileOffset(3 * GIB - 7, 8));
        assertEquals(-1, layout.fileOffset(0xa0000, 1));
        assertEquals(-1, layout.fileOffset(5 * GIB, 1));
        assertEquals(-1, layout.fileOffset(-8, 8));
        assertEquals(-1, layout.fileOffset(0, Long.MAX_VALUE));
        assertEquals(-1, layout.fileOffset(0, -1));
    }

    @Test
    void shouldRefuseATreeWithoutTheBlock() {
        refuse(() -> MemoryLayout.parse(TREE, "mem"));
        refuse(() -> MemoryLayout.parse("", null));
        refuse(() -> MemoryLayout.parse(TREE.replace(" AS \"memory\", root: system\n", ""), "ram"));
    }

    @Test
    void shouldRefuseRangesThatCanNotBe() {
        refuse(() -> MemoryLayout.of(List.of(new Range(0, 8192, 0), new Range(4096, 4096, 8192))));
        refuse(() -> new Range(Long.MAX_VALUE, 4096, 0));
        refuse(() -> new Range(0, 0, 0));
        refuse(() -> new Range(0, 4096, Long.MAX_VALUE));
        refuse(() -> MemoryLayout.of(List.of()));
    }

    private static void refuse(Runnable layout) {
        assertEquals(Reason.FORMAT, assertThrows(GuestFault.class, layout::run).reason());
    }
}
