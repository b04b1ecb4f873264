package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class VmFlagsTest {
    @Test
    void shouldTellSharedFromPrivateByWhetherItMayBeShared() {
        assertEquals(1, VmFlags.mapping(VmFlags.MAY_SHARE));
        assertEquals(2, VmFlags.mapping(VmFlags.SHARED));
    }

    @Test
    void shouldOpenForWritingOnlyWhatIsWrittenBack() {
        assertEquals(2, VmFlags.opening(VmFlags.SHARED | VmFlags.MAY_WRITE | VmFlags.MAY_SHARE));
        assertEquals(0, VmFlags.opening(VmFlags.MAY_SHARE | VmFlags.MAY_WRITE));
        assertEquals(0, VmFlags.opening(VmFlags.MAY_WRITE));
    }

    @Test
    void shouldTranslateEachFlagOfMmap() {
        assertEquals(2 | 0x100, VmFlags.mapping(VmFlags.GROWS_DOWN));
        assertEquals(2 | 0x2000, VmFlags.mapping(VmFlags.LOCKED));
        assertEquals(2 | 0x4000, VmFlags.mapping(VmFlags.NO_RESERVE));
    }

    @Test
    void shouldKnowAllFlagsUpToThoseOfKernelsToCome() {
        assertEquals(0, VmFlags.unknown(0xffff_ffffL | 0xfL << 32 | VmFlags.SHADOW_STACK | 1L << 40 | VmFlags.SEALED));
        assertEquals(1L << 50, VmFlags.unknown(VmFlags.MAY_WRITE | 1L << 50));
    }

    @Test
    void shouldTellAdviceAsBitsOfItsNumbers() {
        assertEquals(1 << 16, VmFlags.advice(VmFlags.DONT_DUMP));
        assertEquals(1 << 14 | 1 << 10, VmFlags.advice(VmFlags.HUGE_PAGE | VmFlags.DONT_COPY));
        assertEquals(1 << 12, VmFlags.advice(VmFlags.MERGEABLE));
        assertEquals(0, VmFlags.advice(VmFlags.LOCKED | VmFlags.GROWS_DOWN));
    }
}
