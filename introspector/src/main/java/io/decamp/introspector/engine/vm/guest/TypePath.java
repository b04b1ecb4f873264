package io.decamp.introspector.engine.vm.guest;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Resolves paths like {@code signal.action[3].sa} through nested structs, unions, arrays and members without a name.
 * Used for one path, then dropped. What it may look at is bounded, because types from a guest may contain themselves.
 */
final class TypePath {
    /** Typedefs, const and the like on top of each other; the kernel has less than ten. */
    static final int MAX_MODIFIERS = 64;
    /** Structs in structs without names; the kernel has less than ten. */
    private static final int MAX_DEPTH = 32;
    /** Members looked at for one path; the largest struct has some hundred. */
    private static final int MAX_MEMBERS = 100_000;
    /** No object of the kernel is larger; keeps offsets far from overflow. */
    private static final long MAX_OBJECT_BYTES = 1L << 40;

    private static final int INT_SIGNED = 1;

    private final BtfBlob blob;
    private final Btf btf;
    private int looked;

    TypePath(BtfBlob blob, Btf btf) {
        this.blob = blob;
        this.btf = btf;
    }

    private record Found(long bitOffset, int typeId, int bitfieldSize) {}

    Optional<Member> resolve(int typeId, String path) {
        Found at = new Found(0, btf.strip(typeId), 0);
        int i = 0;
        while (i < path.length()) {
            if (path.charAt(i) == '[') {
                int close = path.indexOf(']', i);
                at = index(at, Integer.parseInt(path.substring(i + 1, close)), path);
                i = close + 1;
            } else {
                int start = path.charAt(i) == '.' ? i + 1 : i;
                i = start;
                while (i < path.length() && path.charAt(i) != '.' && path.charAt(i) != '[') {
                    i++;
                }
                Found next = member(at.typeId, path.substring(start, i).getBytes(StandardCharsets.US_ASCII), 0);
                if (next == null) {
                    return Optional.empty();
                }
                at = new Found(at.bitOffset + next.bitOffset, btf.strip(next.typeId), next.bitfieldSize);
            }
        }
        return Optional.of(describe(at, path));
    }

    private Found index(Found array, int i, String path) {
        if (blob.kind(array.typeId) != BtfBlob.ARRAY) {
            throw GuestFault.type("Path " + path + " takes an element of what is not an array");
        }
        int element = btf.strip(blob.extra(array.typeId, 0));
        long count = blob.extra(array.typeId, 2) & 0xffff_ffffL;
        if (i < 0 || count > KernelObject.OPEN_END && i >= count) {
            throw GuestFault.type("Path " + path + " takes element " + i + " of an array of " + count);
        }
        return new Found(array.bitOffset + i * btf.sizeOf(element) * 8, element, 0);
    }

    private Found member(int typeId, byte[] name, int depth) {
        int kind = blob.kind(typeId);
        if (kind != BtfBlob.STRUCT && kind != BtfBlob.UNION) {
            return null;
        }
        if (depth > MAX_DEPTH) {
            throw GuestFault.format("BTF type " + typeId + " contains itself");
        }
        boolean flag = blob.flag(typeId);
        int members = blob.entries(typeId);
        for (int i = 0; i < members; i++) {
            if (++looked > MAX_MEMBERS) {
                throw GuestFault.format("BTF type " + typeId + " has no end");
            }
            int nameOffset = blob.entry(typeId, i, 0);
            int word = blob.entry(typeId, i, 2);
            long offset = flag ? word & 0xff_ffff : word & 0xffff_ffffL;
            int type = blob.entry(typeId, i, 1);
            if (nameOffset == 0) {
                Found inner = member(btf.strip(type), name, depth + 1);
                if (inner != null) {
                    return new Found(offset + inner.bitOffset, inner.typeId, inner.bitfieldSize);
                }
            } else if (blob.nameIs(nameOffset, name)) {
                return new Found(offset, type, flag ? word >>> 24 : 0);
            }
        }
        return null;
    }

    private Member describe(Found at, String path) {
        long bytes = btf.sizeOf(at.typeId);
        if (at.bitOffset < 0 || at.bitOffset / 8 + bytes > MAX_OBJECT_BYTES) {
            throw GuestFault.format("BTF puts " + path + " at bit " + at.bitOffset);
        }
        int number = numberOf(at.typeId);
        if (number == 0) {
            return new Member(at.bitOffset, at.typeId, 0, false, bytes);
        }
        boolean signed = signed(number);
        int bits = (int) btf.sizeOf(number) * 8;
        if (at.bitfieldSize > 0) {
            if (at.bitfieldSize > bits || at.typeId != number) {
                throw GuestFault.format("BTF makes " + path + " a bitfield of " + at.bitfieldSize + " bits");
            }
            return new Member(at.bitOffset, at.typeId, at.bitfieldSize, signed, bytes);
        }
        return new Member(at.bitOffset, at.typeId, bits, signed, bytes);
    }

    /**
     * The number that a type is: itself, or the only member of {@code atomic_t}, {@code refcount_t}, {@code kuid_t}.
     */
    private int numberOf(int typeId) {
        int id = typeId;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (blob.kind(id)) {
                case BtfBlob.INT, BtfBlob.ENUM, BtfBlob.ENUM64, BtfBlob.PTR -> {
                    long bytes = btf.sizeOf(id);
                    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 ? id : 0;
                }
                case BtfBlob.STRUCT -> {
                    boolean single = blob.entries(id) == 1 && !(blob.flag(id) && blob.entry(id, 0, 2) != 0);
                    if (!single) {
                        return 0;
                    }
                    id = btf.strip(blob.entry(id, 0, 1));
                }
                default -> {
                    return 0;
                }
            }
        }
        return 0;
    }

    private boolean signed(int typeId) {
        return switch (blob.kind(typeId)) {
            case BtfBlob.INT -> (blob.extra(typeId, 0) >>> 24 & INT_SIGNED) != 0;
            case BtfBlob.ENUM, BtfBlob.ENUM64 -> blob.flag(typeId);
            default -> false;
        };
    }
}
