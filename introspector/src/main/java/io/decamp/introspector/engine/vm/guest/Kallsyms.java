package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * The kernel's symbol table, as {@code scripts/kallsyms.c} packs it: names of tokens, offsets from a base. Copied once
 * and looked up by the hash of the expanded name, so neither the order of the table nor its index by name (kernels have
 * one since 6.2) matters. The first of several symbols of a name is taken. Immutable.
 *
 * <p>Refuses tables whose names run over their end and counts which no kernel has.
 */
final class Kallsyms {
    /** A distribution kernel has 80,000 to 200,000 with all its data symbols. */
    static final int MAX_SYMBOLS = 1 << 21;
    /** {@code KSYM_NAME_LEN}. */
    static final int MAX_NAME = 512;

    private static final int MAX_TOKEN = 64;
    private static final int TOKENS = 256;
    /** A packed name takes 11 bytes on average: a distribution kernel has 1 to 2 MiB of them. */
    private static final int MAX_NAMES_BYTES = 32 << 20;

    private final byte[] names;
    private final int[] offsets;
    private final byte[][] tokens;
    private final int[] starts;
    private final NameSlots slots;
    private final long base;
    private final boolean absolutePerCpu;

    /** Reads kernel virtual memory. */
    interface Memory {
        byte[] bytes(long va, int length);
    }

    /**
     * @param known a symbol of which VMCOREINFO tells the address too: shows how offsets are to be understood, and that
     *     the table is of this kernel
     */
    static Kallsyms read(Memory memory, VmcoreInfo info, String known) {
        int count = buffer(memory.bytes(info.symbol("kallsyms_num_syms"), 4)).getInt(0);
        if (count <= 0 || count > MAX_SYMBOLS) {
            throw GuestFault.format("The kernel says that it has " + Integer.toUnsignedString(count) + " symbols");
        }
        long nameBytes = info.symbol("kallsyms_token_table") - info.symbol("kallsyms_names");
        if (nameBytes <= 0 || nameBytes > MAX_NAMES_BYTES) {
            throw GuestFault.format("Names of " + count + " symbols take " + hex(nameBytes) + " bytes");
        }
        byte[] names = memory.bytes(info.symbol("kallsyms_names"), (int) nameBytes);
        int[] offsets = new int[count];
        buffer(memory.bytes(info.symbol("kallsyms_offsets"), count * 4)).asIntBuffer().get(offsets);
        long base = buffer(memory.bytes(info.symbol("kallsyms_relative_base"), 8)).getLong(0);
        return new Kallsyms(names, offsets, tokens(memory, info), base, known, info.symbol(known));
    }

    private static byte[][] tokens(Memory memory, VmcoreInfo info) {
        short[] index = new short[TOKENS];
        buffer(memory.bytes(info.symbol("kallsyms_token_index"), TOKENS * 2))
                .asShortBuffer()
                .get(index);
        int length = (index[TOKENS - 1] & 0xffff) + MAX_TOKEN;
        byte[] table = memory.bytes(info.symbol("kallsyms_token_table"), length);
        byte[][] tokens = new byte[TOKENS][];
        for (int i = 0; i < TOKENS; i++) {
            int start = index[i] & 0xffff;
            int end = start;
            while (end < table.length && end - start < MAX_TOKEN && table[end] != 0) {
                end++;
            }
            if (start >= table.length || end == table.length || end - start == MAX_TOKEN) {
                throw GuestFault.format("Token " + i + " of the kernel's symbol names has no end");
            }
            tokens[i] = Arrays.copyOfRange(table, start, end);
        }
        return tokens;
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private Kallsyms(byte[] names, int[] offsets, byte[][] tokens, long base, String known, long knownAddress) {
        this.names = names;
        this.offsets = offsets;
        this.tokens = tokens;
        this.base = base;
        starts = new int[offsets.length];
        slots = new NameSlots(offsets.length);
        index();
        int at = indexOf(known);
        if (at < 0) {
            throw GuestFault.format("The kernel's symbol table has no " + known);
        }
        // CONFIG_KALLSYMS_ABSOLUTE_PERCPU, until it went in 6.15, stores base - 1 - address for what is not per-cpu
        absolutePerCpu = base - 1 - offsets[at] == knownAddress;
        if (!absolutePerCpu && base + (offsets[at] & 0xffff_ffffL) != knownAddress) {
            throw GuestFault.format("The kernel's symbol table has " + known + " with offset " + hex(offsets[at])
                    + " from " + hex(base) + ", VMCOREINFO has it at " + hex(knownAddress));
        }
    }

    private void index() {
        int at = 0;
        for (int i = 0; i < starts.length; i++) {
            starts[i] = at;
            int hash = NameSlots.start();
            boolean type = true;
            int end = end(at);
            for (int p = at + lengthBytes(at); p < end; p++) {
                for (byte b : tokens[names[p] & 0xff]) {
                    if (type) {
                        type = false;
                    } else {
                        hash = NameSlots.step(hash, b);
                    }
                }
            }
            slots.add(hash, i + 1);
            at = end;
        }
    }

    /** One byte, or two when the name takes more than 127. */
    private int lengthBytes(int at) {
        return names[at] < 0 ? 2 : 1;
    }

    private int end(int at) {
        if (at >= names.length - 1) {
            throw GuestFault.format("The kernel's symbol names end in the middle of a name");
        }
        int length = names[at] < 0 ? names[at] & 0x7f | (names[at + 1] & 0xff) << 7 : names[at];
        int end = at + lengthBytes(at) + length;
        if (length > MAX_NAME || end > names.length) {
            throw GuestFault.format("A name of the kernel's symbol table has " + length + " tokens");
        }
        return end;
    }

    private int indexOf(byte[] wanted) {
        int first = -1;
        int slot = slots.first(NameSlots.hash(wanted, 0, wanted.length));
        for (; slots.at(slot) != 0; slot = slots.next(slot)) {
            int i = slots.at(slot) - 1;
            if ((first < 0 || i < first) && is(i, wanted)) {
                first = i;
            }
        }
        return first;
    }

    private boolean is(int symbol, byte[] wanted) {
        int at = starts[symbol];
        int end = end(at);
        int matched = -1;
        for (int p = at + lengthBytes(at); p < end; p++) {
            for (byte b : tokens[names[p] & 0xff]) {
                if (matched >= 0 && (matched == wanted.length || wanted[matched] != b)) {
                    return false;
                }
                matched++;
            }
        }
        return matched == wanted.length;
    }

    int count() {
        return offsets.length;
    }

    int indexOf(String name) {
        return indexOf(name.getBytes(StandardCharsets.US_ASCII));
    }

    /** The name as it is packed, its length in front. */
    byte[] packed(int symbol) {
        return Arrays.copyOfRange(names, starts[symbol], end(starts[symbol]));
    }

    int offset(int symbol) {
        return offsets[symbol];
    }

    OptionalLong find(String name) {
        int i = indexOf(name);
        return i < 0 ? OptionalLong.empty() : OptionalLong.of(address(i));
    }

    private long address(int i) {
        if (!absolutePerCpu) {
            return base + (offsets[i] & 0xffff_ffffL);
        }
        return offsets[i] >= 0 ? offsets[i] : base - 1 - offsets[i];
    }
}
