package io.decamp.introspector.engine.vm.state;

import io.decamp.introspector.engine.vm.guest.GuestFault;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where the parts of a saved FPU state lie on the guest's processor: the tables that its kernel filled from CPUID leaf
 * 0xD
 * at boot ({@code xstate_offsets}, {@code xstate_sizes}, {@code xstate_flags} of arch/x86/kernel/fpu/xstate.c).
 * Immutable.
 */
final class XsaveLayout {
    /** {@code FXSAVE_SIZE} and {@code XSAVE_HDR_SIZE}: the first component behind SSE begins here. */
    static final int EXTENDED_BYTES = 512 + 64;

    /** Bit 63 of xcomp_bv: the compacted format of XSAVEC and XSAVES. */
    static final long COMPACTED = 1L << 63;

    /** {@code XFEATURE_MAX} of 6.1; later components are refused by number before they are looked up here. */
    static final int COMPONENTS = 19;

    /** {@code XSTATE_FLAG_ALIGNED64} */
    private static final int ALIGNED_64 = 1 << 1;

    private static final int FIRST_EXTENDED = 2;

    private final int[] offsets;
    private final int[] sizes;
    private final int[] flags;

    XsaveLayout(int[] offsets, int[] sizes, int[] flags) {
        this.offsets = offsets;
        this.sizes = sizes;
        this.flags = flags;
    }

    static XsaveLayout of(GuestKernel kernel) {
        return new XsaveLayout(
                table(kernel, "xstate_offsets"), table(kernel, "xstate_sizes"), table(kernel, "xstate_flags"));
    }

    private static int[] table(GuestKernel kernel, String symbol) {
        int[] table = new int[COMPONENTS];
        ByteBuffer.wrap(kernel.bytes(kernel.symbol(symbol), COMPONENTS * Integer.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(table);
        return table;
    }

    int size(int component) {
        return sizes[component];
    }

    /**
     * Where a component begins ({@code xfeature_get_offset}).
     *
     * @param compaction xcomp_bv of the area's header; decides about the format
     */
    int offset(long compaction, int component) {
        return (compaction & COMPACTED) != 0 ? compactedOffset(compaction, component) : offsets[component];
    }

    private int compactedOffset(long compaction, int component) {
        if ((compaction >>> component & 1) == 0) {
            throw new GuestFault(
                    GuestFault.Reason.FORMAT,
                    "FPU component " + component + " has content, but no place in 0x" + Long.toHexString(compaction));
        }
        int offset = EXTENDED_BYTES;
        for (int i = FIRST_EXTENDED; i <= component; i++) {
            if ((compaction >>> i & 1) != 0) {
                if ((flags[i] & ALIGNED_64) != 0) {
                    offset = offset + 63 & -64;
                }
                if (i < component) {
                    offset += sizes[i];
                }
            }
        }
        return offset;
    }
}
