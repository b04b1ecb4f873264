package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The bytes of a BTF section, copied from the guest and checked once, so that what is looked at later can't change any
 * more. Knows records, not what they mean. References between types are checked where they are followed.
 *
 * <p>Source: {@code Documentation/bpf/btf.rst}, {@code include/uapi/linux/btf.h}.
 */
final class BtfBlob {
    static final int INT = 1;
    static final int PTR = 2;
    static final int ARRAY = 3;
    static final int STRUCT = 4;
    static final int UNION = 5;
    static final int ENUM = 6;
    static final int FWD = 7;
    static final int TYPEDEF = 8;
    static final int VOLATILE = 9;
    static final int CONST = 10;
    static final int RESTRICT = 11;
    static final int FUNC = 12;
    static final int FUNC_PROTO = 13;
    static final int VAR = 14;
    static final int DATASEC = 15;
    static final int FLOAT = 16;
    static final int DECL_TAG = 17;
    static final int TYPE_TAG = 18;
    static final int ENUM64 = 19;

    /** {@code BTF_MAX_TYPE}. */
    static final int MAX_TYPES = 0xfffff;
    /** A distribution kernel has 5 MiB; names end at 16 MiB ({@code BTF_MAX_NAME_OFFSET}). */
    static final int MAX_BYTES = 64 << 20;
    /** {@code KSYM_NAME_LEN} is 512 at most, and struct members are shorter. */
    static final int MAX_NAME = 512;

    private static final int MAGIC = 0xeb9f;
    private static final int HEADER_BYTES = 24;
    private static final int TYPE_BYTES = 12;
    /** Bytes behind a record and, for those that count, behind each of its entries. */
    private static final int[] FIXED = {-1, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0};

    private static final int[] EACH = {-1, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12};
    private static final VarHandle U32 =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] blob;
    private final int strings;
    private final int stringsEnd;
    private final int[] records;

    BtfBlob(byte[] blob) {
        this.blob = blob;
        if (blob.length < HEADER_BYTES || (u32(0) & 0xffff) != MAGIC) {
            throw GuestFault.format("BTF section of " + blob.length + " bytes has no header");
        }
        long header = u32(4) & 0xffff_ffffL;
        int types = section(header, u32(8), u32(12));
        int typesEnd = types + u32(12);
        strings = section(header, u32(16), u32(20));
        stringsEnd = strings + u32(20);
        records = index(types, typesEnd);
    }

    private int section(long header, int offset, int length) {
        long start = header + (offset & 0xffff_ffffL);
        long end = start + (length & 0xffff_ffffL);
        if (header < HEADER_BYTES || end > blob.length) {
            throw GuestFault.format("BTF section " + hex(start) + " to " + hex(end) + " is beyond its " + blob.length
                    + " bytes");
        }
        return (int) start;
    }

    private int[] index(int from, int end) {
        int[] found = new int[1 << 17];
        int count = 1;
        int at = from;
        while (at < end) {
            if (count > MAX_TYPES) {
                throw GuestFault.format("BTF has more than " + MAX_TYPES + " types");
            }
            if (count == found.length) {
                found = Arrays.copyOf(found, count * 2);
            }
            found[count++] = at;
            long next = at + recordBytes(at, end);
            if (next > end) {
                throw GuestFault.format("BTF type " + (count - 1) + " is beyond the end of types");
            }
            at = (int) next;
        }
        return Arrays.copyOf(found, count);
    }

    private long recordBytes(int at, int end) {
        if (end - at < TYPE_BYTES) {
            return TYPE_BYTES;
        }
        int kind = u32(at + 4) >>> 24 & 0x1f;
        if (kind == 0 || kind >= FIXED.length) {
            throw GuestFault.format("BTF has kind " + kind + ", which is not known");
        }
        return TYPE_BYTES + FIXED[kind] + (long) EACH[kind] * (u32(at + 4) & 0xffff);
    }

    private int u32(int at) {
        return (int) U32.get(blob, at);
    }

    /** Number of types; 0 is void. */
    int count() {
        return records.length;
    }

    private int record(int id) {
        if (id <= 0 || id >= records.length) {
            throw GuestFault.format("BTF refers to type " + id + " of " + records.length);
        }
        return records[id];
    }

    int kind(int id) {
        return id == 0 ? 0 : u32(record(id) + 4) >>> 24 & 0x1f;
    }

    /** Number of members or values. */
    int entries(int id) {
        return u32(record(id) + 4) & 0xffff;
    }

    /** Members: bitfield sizes are with their offsets. Enums: values are signed. */
    boolean flag(int id) {
        return u32(record(id) + 4) < 0;
    }

    /** Size in bytes or the type referred to, as the kind has it. */
    int sizeOrType(int id) {
        return u32(record(id) + 8);
    }

    /** Word {@code word} of what comes behind the record: of an INT, ARRAY. */
    int extra(int id, int word) {
        return u32(record(id) + TYPE_BYTES + word * 4);
    }

    /** Word {@code word} of entry {@code i} of a STRUCT, UNION, ENUM, ENUM64. */
    int entry(int id, int i, int word) {
        return u32(record(id) + TYPE_BYTES + i * EACH[kind(id)] + word * 4);
    }

    int nameOffset(int id) {
        return id == 0 ? 0 : u32(record(id));
    }

    String name(int nameOffset) {
        int at = nameAt(nameOffset);
        int length = nameLength(at);
        return new String(blob, at, length, StandardCharsets.US_ASCII);
    }

    boolean nameIs(int nameOffset, byte[] name) {
        int at = nameAt(nameOffset);
        return stringsEnd - at > name.length
                && blob[at + name.length] == 0
                && Arrays.equals(blob, at, at + name.length, name, 0, name.length);
    }

    int nameHash(int nameOffset) {
        int at = nameAt(nameOffset);
        return NameSlots.hash(blob, at, nameLength(at));
    }

    private int nameAt(int nameOffset) {
        if (nameOffset < 0 || nameOffset >= stringsEnd - strings) {
            throw GuestFault.format("BTF refers to name " + hex(nameOffset & 0xffff_ffffL) + " of "
                    + (stringsEnd - strings) + " bytes");
        }
        return strings + nameOffset;
    }

    private int nameLength(int at) {
        int end = Math.min(stringsEnd, at + MAX_NAME);
        int i = at;
        while (i < end && blob[i] != 0) {
            i++;
        }
        if (i == end) {
            throw GuestFault.format("BTF name at " + hex(at - strings) + " has no end");
        }
        return i - at;
    }
}
