package io.decamp.introspector.engine.vm.state;

import io.decamp.contracts.criu.UserX86FpregsEntry;
import io.decamp.contracts.criu.UserX86XsaveEntry;
import io.decamp.introspector.engine.vm.guest.GuestFault;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A thread's FPU state as the guest's kernel saved it (FXSAVE, XSAVE, XSAVEC or XSAVES), told as {@code
 * PTRACE_GETREGSET}
 * would: a component in its INIT state is not in memory, whatever lies there, and reads as its initial value. Source:
 * {@code
 * __copy_xstate_to_uabi_buf} of arch/x86/kernel/fpu/xstate.c; Intel SDM volume 1, chapter 13.
 */
final class XsaveArea {
    static final int X87 = 0;
    static final int SSE = 1;
    static final int YMM = 2;
    static final int BNDREGS = 3;
    static final int BNDCSR = 4;
    static final int OPMASK = 5;
    static final int ZMM_HI256 = 6;
    static final int HI16_ZMM = 7;
    static final int PKRU = 9;

    /** Components that CRIU's image has a field for. */
    static final long KNOWN = 1 << X87 | 1 << SSE | 1 << YMM | 1 << BNDREGS | 1 << BNDCSR | 1 << OPMASK | 1 << ZMM_HI256
            | 1 << HI16_ZMM | 1 << PKRU;

    /** {@code FXSAVE_SIZE}: all there is without XSAVE. */
    static final int LEGACY_BYTES = 512;

    private static final int STATE_BV_OFFSET = LEGACY_BYTES;
    private static final int COMPACTION_OFFSET = LEGACY_BYTES + 8;
    private static final int INITIAL_CONTROL_WORD = 0x37f;
    private static final int INITIAL_MXCSR = 0x1f80;
    private static final int X87_WORDS = 32;
    private static final int SSE_WORDS = 64;

    private final ByteBuffer memory;
    private final XsaveLayout layout;
    private final long compaction;
    private final long state;
    private final long features;

    /**
     * @param memory the area, header included; 512 bytes on processors without XSAVE
     * @param layout not used for 512 bytes
     * @param features components that user code may have ({@code fpstate.user_xfeatures})
     */
    XsaveArea(byte[] memory, XsaveLayout layout, long features) {
        this.memory = ByteBuffer.wrap(memory).order(ByteOrder.LITTLE_ENDIAN);
        this.layout = layout;
        this.features = features;
        boolean legacy = isLegacy(memory);
        if (memory.length < LEGACY_BYTES || !legacy && memory.length < XsaveLayout.EXTENDED_BYTES) {
            throw new GuestFault(GuestFault.Reason.FORMAT, "An FPU state has " + memory.length + " bytes");
        }
        compaction = legacy ? 0 : this.memory.getLong(COMPACTION_OFFSET);
        state = legacy ? 1 << X87 | 1 << SSE : this.memory.getLong(STATE_BV_OFFSET);
    }

    private static boolean isLegacy(byte[] memory) {
        return memory.length == LEGACY_BYTES;
    }

    /** Components that have content and no field in CRIU's image, as bits; 0 when all can be carried. */
    long unknown() {
        return state & ~KNOWN;
    }

    /** @param pkru of the thread: newer kernels keep the protection keys beside the area */
    UserX86FpregsEntry decode(int pkru) {
        UserX86FpregsEntry.Builder regs = UserX86FpregsEntry.newBuilder();
        x87(regs);
        boolean wide = has(SSE) || has(YMM);
        regs.setMxcsr(wide ? memory.getInt(24) : INITIAL_MXCSR).setMxcsrMask(memory.getInt(28));
        for (int i = 0; i < SSE_WORDS; i++) {
            regs.addXmmSpace(has(SSE) ? memory.getInt(160 + 4 * i) : 0);
        }
        if (!isLegacy(memory.array())) {
            regs.setXsave(extended(pkru));
        }
        return regs.build();
    }

    private boolean has(int component) {
        return (state >>> component & 1) != 0;
    }

    private void x87(UserX86FpregsEntry.Builder regs) {
        boolean saved = has(X87);
        regs.setCwd(saved ? memory.getShort(0) & 0xffff : INITIAL_CONTROL_WORD)
                .setSwd(saved ? memory.getShort(2) & 0xffff : 0)
                .setTwd(saved ? memory.getShort(4) & 0xffff : 0)
                .setFop(saved ? memory.getShort(6) & 0xffff : 0)
                .setRip(saved ? memory.getLong(8) : 0)
                .setRdp(saved ? memory.getLong(16) : 0);
        for (int i = 0; i < X87_WORDS; i++) {
            regs.addStSpace(saved ? memory.getInt(32 + 4 * i) : 0);
        }
    }

    private UserX86XsaveEntry extended(int pkru) {
        UserX86XsaveEntry.Builder xsave = UserX86XsaveEntry.newBuilder().setXstateBv(state & features);
        if (offered(YMM)) {
            int at = place(YMM, 256);
            for (int i = 0; i < 64; i++) {
                xsave.addYmmhSpace(at < 0 ? 0 : memory.getInt(at + 4 * i));
            }
        }
        if (offered(BNDREGS)) {
            longs(BNDREGS, 8, xsave::addBndregState);
        }
        if (offered(BNDCSR)) {
            longs(BNDCSR, 8, xsave::addBndcsrState);
        }
        if (offered(OPMASK)) {
            longs(OPMASK, 8, xsave::addOpmaskReg);
        }
        if (offered(ZMM_HI256)) {
            longs(ZMM_HI256, 64, xsave::addZmmUpper);
        }
        if (offered(HI16_ZMM)) {
            longs(HI16_ZMM, 128, xsave::addHi16Zmm);
        }
        if (offered(PKRU)) {
            xsave.addPkru(pkru).addPkru(0);
        }
        return xsave.build();
    }

    private boolean offered(int component) {
        return (features >>> component & 1) != 0;
    }

    private interface Longs {
        void add(long value);
    }

    private void longs(int component, int count, Longs to) {
        int at = place(component, Math.min(count * Long.BYTES, layout.size(component)));
        int there = Math.min(count, layout.size(component) / Long.BYTES);
        for (int i = 0; i < count; i++) {
            to.add(at < 0 || i >= there ? 0 : memory.getLong(at + Long.BYTES * i));
        }
    }

    /** @return -1 when the component is in its INIT state */
    private int place(int component, int bytes) {
        if (!has(component)) {
            return -1;
        }
        int at = layout.offset(compaction, component);
        if (at < XsaveLayout.EXTENDED_BYTES || at + bytes > memory.capacity()) {
            throw new GuestFault(
                    GuestFault.Reason.FORMAT,
                    "FPU component " + component + " at " + at + " is not within the " + memory.capacity() + " "
                            + "bytes saved");
        }
        return at;
    }
}
