package io.decamp.introspector.engine.vm.memory;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class KernelPageKindsTest {
    /** __swp_entry of arch/x86/include/asm/pgtable_64.h. */
    private static long entry(long type, long offset) {
        return ~offset << 14 >>> 5 | type << 59;
    }

    @Test
    void shouldTellANoteAboutAHoleFromAGuardAndFromLostContent() {
        assertTrue(KernelPageKinds.isNoteOfUserfaultfd(entry(31, 1)));
        assertFalse(KernelPageKinds.isNoteOfUserfaultfd(entry(31, 2)), "PTE_MARKER_POISONED");
        assertFalse(KernelPageKinds.isNoteOfUserfaultfd(entry(31, 3)));
        assertFalse(KernelPageKinds.isNoteOfUserfaultfd(entry(31, 4)), "PTE_MARKER_GUARD");
        assertFalse(KernelPageKinds.isNoteOfUserfaultfd(entry(31, 0x12345)), "SWP_SWAPIN_ERROR of 6.1");
    }
}
