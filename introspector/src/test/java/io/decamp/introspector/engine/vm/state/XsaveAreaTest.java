package io.decamp.introspector.engine.vm.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.decamp.contracts.criu.UserX86FpregsEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class XsaveAreaTest {
    private static final long ALL = XsaveArea.KNOWN;
    private static final int AMX_DATA = 18;

    /** Sizes and flags of a Sapphire Rapids; standard offsets as its CPUID tells them. */
    private static final XsaveLayout LAYOUT = new XsaveLayout(
            new int[] {0, 160, 576, 960, 1024, 1088, 1152, 1664, 0, 2688, 0, 0, 0, 0, 0, 0, 0, 2752, 2816},
            new int[] {160, 256, 256, 64, 64, 64, 512, 1024, 128, 8, 8, 16, 24, 0, 0, 808, 8, 64, 8192},
            new int[] {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 2, 2});

    private final ByteBuffer memory = ByteBuffer.allocate(16 << 10).order(ByteOrder.LITTLE_ENDIAN);

    private XsaveArea area(long state, long compaction) {
        memory.putLong(512, state).putLong(520, compaction);
        return new XsaveArea(memory.array(), LAYOUT, ALL);
    }

    private static long bits(int... components) {
        return IntStream.of(components).mapToLong(i -> 1L << i).reduce(0, (a, b) -> a | b);
    }

    /** Each byte tells where it lies, so that a value from a wrong place shows. */
    private void fill() {
        for (int i = 0; i < memory.capacity(); i += 4) {
            memory.putInt(i, i);
        }
    }

    @Test
    void shouldReadInitialValuesOfAllThatIsInItsInitialStateWhateverLiesInMemory() {
        fill();

        UserX86FpregsEntry regs = area(0, 0).decode(0x55555554);

        assertEquals(0x37f, regs.getCwd());
        assertEquals(0x1f80, regs.getMxcsr());
        assertEquals(0, regs.getRip());
        assertEquals(Collections.nCopies(32, 0), regs.getStSpaceList());
        assertEquals(Collections.nCopies(64, 0), regs.getXmmSpaceList());
        assertEquals(Collections.nCopies(64, 0), regs.getXsave().getYmmhSpaceList());
        assertEquals(Collections.nCopies(64, 0L), regs.getXsave().getZmmUpperList());
        assertEquals(0, regs.getXsave().getXstateBv());
        assertEquals(0x55555554, regs.getXsave().getPkru(0));
    }

    @Test
    void shouldReadTheStandardFormatAtTheProcessorsOffsets() {
        fill();

        UserX86FpregsEntry regs = area(ALL, 0).decode(0);

        assertEquals(24, regs.getMxcsr());
        assertEquals(32, regs.getStSpace(0));
        assertEquals(160, regs.getXmmSpace(0));
        assertEquals(160 + 252, regs.getXmmSpace(63));
        assertEquals(576, regs.getXsave().getYmmhSpace(0));
        assertEquals(960, (int) regs.getXsave().getBndregState(0));
        assertEquals(1024, (int) regs.getXsave().getBndcsrState(0));
        assertEquals(1088, (int) regs.getXsave().getOpmaskReg(0));
        assertEquals(1152, (int) regs.getXsave().getZmmUpper(0));
        assertEquals(1664, (int) regs.getXsave().getHi16Zmm(0));
        assertEquals(1664 + 127 * 8, (int) regs.getXsave().getHi16Zmm(127));
        assertEquals(ALL, regs.getXsave().getXstateBv());
    }

    @Test
    void shouldPackComponentsOfTheCompactedFormatInTheirOrder() {
        fill();
        long present = bits(XsaveArea.X87, XsaveArea.SSE, XsaveArea.YMM, XsaveArea.OPMASK, XsaveArea.ZMM_HI256);

        UserX86FpregsEntry regs = area(present, XsaveLayout.COMPACTED | present).decode(0);

        assertEquals(576, regs.getXsave().getYmmhSpace(0));
        assertEquals(576 + 256, (int) regs.getXsave().getOpmaskReg(0));
        assertEquals(576 + 256 + 64, (int) regs.getXsave().getZmmUpper(0));
        assertEquals(0, regs.getXsave().getHi16Zmm(0));
    }

    @Test
    void shouldKeepThePlaceOfACompactedComponentThatIsInItsInitialState() {
        fill();
        long allocated = bits(0, 1, XsaveArea.YMM, XsaveArea.ZMM_HI256, XsaveArea.HI16_ZMM);

        UserX86FpregsEntry regs =
                area(bits(XsaveArea.HI16_ZMM), XsaveLayout.COMPACTED | allocated).decode(0);

        assertEquals(0, regs.getXsave().getYmmhSpace(0));
        assertEquals(576 + 256 + 512, (int) regs.getXsave().getHi16Zmm(0));
    }

    @Test
    void shouldAlignWhatTheProcessorAligns() {
        long allocated = bits(0, 1, XsaveArea.YMM, XsaveArea.PKRU, 17, AMX_DATA);

        assertEquals(832, LAYOUT.offset(XsaveLayout.COMPACTED | allocated, XsaveArea.PKRU));
        assertEquals(896, LAYOUT.offset(XsaveLayout.COMPACTED | allocated, 17));
        assertEquals(960, LAYOUT.offset(XsaveLayout.COMPACTED | allocated, AMX_DATA));
    }

    @Test
    void shouldReadMxcsrWhenOnlyTheUpperHalvesAreInUse() {
        memory.putInt(24, 0x1fa0);

        assertEquals(0x1fa0, area(bits(XsaveArea.YMM), 0).decode(0).getMxcsr());
        assertEquals(0x1f80, area(bits(XsaveArea.X87), 0).decode(0).getMxcsr());
    }

    @Test
    void shouldNameWhatHasNoPlaceInAnImage() {
        assertEquals(bits(AMX_DATA, 11), area(bits(0, 1, 2, 11, AMX_DATA), 0).unknown());
        assertEquals(0, area(ALL, 0).unknown());
    }

    @Test
    void shouldTakeAProcessorWithoutXsaveAsItIs() {
        ByteBuffer legacy = ByteBuffer.allocate(XsaveArea.LEGACY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        legacy.putShort(0, (short) 0x27f).putInt(24, 0x1f81).putInt(160, 77);

        UserX86FpregsEntry regs = new XsaveArea(legacy.array(), null, 3).decode(0);

        assertEquals(0x27f, regs.getCwd());
        assertEquals(0x1f81, regs.getMxcsr());
        assertEquals(77, regs.getXmmSpace(0));
        assertFalse(regs.hasXsave());
    }

    @Test
    void shouldRefuseAComponentThatIsNotWithinWhatWasSaved() {
        ByteBuffer small = ByteBuffer.allocate(700).order(ByteOrder.LITTLE_ENDIAN);
        small.putLong(512, bits(XsaveArea.YMM));

        assertThrows(GuestFault.class, () -> new XsaveArea(small.array(), LAYOUT, ALL).decode(0));
        assertThrows(GuestFault.class, () -> new XsaveArea(new byte[100], LAYOUT, ALL));
        assertThrows(
                GuestFault.class,
                () -> area(bits(XsaveArea.OPMASK), XsaveLayout.COMPACTED | bits(XsaveArea.YMM))
                        .decode(0));
    }
}
