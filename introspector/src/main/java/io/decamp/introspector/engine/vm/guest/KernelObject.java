package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import io.decamp.introspector.engine.vm.guest.GuestFault.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A typed pointer into the guest's kernel: code that uses it reads like the kernel's own. Offsets, widths and signs
 * come from the guest's BTF; a path that was resolved once costs a hash look-up afterwards. Refuses null pointers,
 * members which this kernel doesn't have, and reads without a bound. Immutable, thread safe; the memory behind it
 * changes.
 *
 * <p>Paths: {@code pid}, {@code se.on_rq}, {@code numbers[0].nr}, {@code ""} for the object itself. They don't go
 * through pointers: {@link #follow} does, and names what was null.
 */
public final class KernelObject {
    /** Arrays of none or one element: older code ends structs with one and goes on behind it ({@code pid.numbers}). */
    static final int OPEN_END = 1;

    private final GuestKernel kernel;
    private final TypeView type;
    private final long address;

    KernelObject(GuestKernel kernel, TypeView type, long address) {
        this.kernel = kernel;
        this.type = type;
        this.address = address;
    }

    public long address() {
        return address;
    }

    /** Name of the type; a number in parentheses when it has none. */
    public String type() {
        return type.name();
    }

    public GuestKernel kernel() {
        return kernel;
    }

    /** Whether this kernel's type has the member. Reads nothing. */
    public boolean has(String path) {
        return type.find(path).isPresent();
    }

    /** Virtual address of a member. */
    public long addressOf(String path) {
        return address + type.member(path).offset();
    }

    /** Bytes of a member; of all elements when it is an array. */
    public long sizeOf(String path) {
        return type.member(path).bytes();
    }

    /**
     * A number of any width: integers and enumerations with their sign, bool, pointers, bitfields, and what wraps a
     * single one ({@code atomic_t}, {@code refcount_t}, {@code kuid_t}).
     */
    public long number(String path) {
        Member member = type.member(path);
        if (member.bitSize() == 0) {
            throw GuestFault.type(type.name() + "." + path + " is not a number");
        }
        return member.bitfield() ? bits(member) : scalar(address + member.offset(), member.bitSize(), member.signed());
    }

    private long scalar(long at, int bits, boolean signed) {
        return switch (bits) {
            case 64 -> kernel.u64(at);
            case 32 -> signed ? kernel.u32(at) : kernel.u32(at) & 0xffff_ffffL;
            case 16 -> signed ? kernel.u16(at) : kernel.u16(at) & 0xffffL;
            default -> signed ? kernel.u8(at) : kernel.u8(at) & 0xffL;
        };
    }

    private long bits(Member member) {
        // a bitfield lies in at most 9 bytes; from its first byte on eight hold all but the oddest
        int shift = (int) (member.bitOffset() & 7);
        long at = address + member.offset();
        int bytes = shift + member.bitSize() + 7 >>> 3;
        long word = 0;
        for (int i = Math.min(bytes, 8) - 1; i >= 0; i--) {
            word = word << 8 | kernel.u8(at + i) & 0xff;
        }
        long value = word >>> shift;
        if (bytes > 8) {
            value |= (kernel.u8(at + 8) & 0xffL) << 64 - shift;
        }
        int unused = 64 - member.bitSize();
        return member.signed() ? value << unused >> unused : value << unused >>> unused;
    }

    /** A struct that is embedded here. */
    public KernelObject at(String path) {
        Member member = type.member(path);
        return new KernelObject(kernel, kernel.types().view(member.typeId()), address + member.offset());
    }

    /**
     * What a pointer member points to, with the type that BTF gives it.
     *
     * @throws GuestFault when it is null
     */
    public KernelObject follow(String path) {
        return tryFollow(path).orElseThrow(() -> new GuestFault(
                Reason.NULL, type.name() + "." + path + " of the one at " + hex(address) + " is null"));
    }

    /** @return empty when the pointer is null */
    public Optional<KernelObject> tryFollow(String path) {
        Member member = type.member(path);
        TypeView target = kernel.types().pointed(member.typeId(), type.name() + "." + path);
        long pointer = kernel.u64(address + member.offset());
        return pointer == 0 ? Optional.empty() : Optional.of(new KernelObject(kernel, target, pointer));
    }

    /** The same address as another type. */
    public KernelObject as(String other) {
        return kernel.object(other, address);
    }

    /** The object of which this is a member ({@code container_of}). */
    public KernelObject container(String outer, String path) {
        return kernel.object(outer, address - kernel.types().offsetOf(outer, path));
    }

    /** A member or a whole array as it is in memory. */
    public byte[] bytes(String path) {
        Member member = type.member(path);
        return kernel.bytes(address + member.offset(), bounded(member.bytes(), path));
    }

    private int bounded(long bytes, String path) {
        if (bytes < 0 || bytes > GuestKernel.MAX_READ_BYTES) {
            throw GuestFault.bound(type.name() + "." + path + " has " + bytes + " bytes");
        }
        return (int) bytes;
    }

    /** An array of numbers or pointers, all of it. */
    public long[] numbers(String path) {
        Elements elements = elements(path);
        return numbers(path, elements.array() ? elements.count() : 1);
    }

    /** The first of an array whose type doesn't say how long it is, or of what a pointer member leads to. */
    public long[] numbers(String path, int count) {
        Elements elements = elements(path);
        Member one = elements.type().member("");
        if (one.bitSize() == 0) {
            throw GuestFault.type(type.name() + "." + path + " is not an array of numbers");
        }
        int width = one.bitSize() / 8;
        ByteBuffer memory = ByteBuffer.wrap(kernel.bytes(elements.start(), bounded((long) count * width, path)))
                .order(ByteOrder.LITTLE_ENDIAN);
        long[] numbers = new long[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = switch (width) {
                case 8 -> memory.getLong(i * 8);
                case 4 -> one.signed() ? memory.getInt(i * 4) : memory.getInt(i * 4) & 0xffff_ffffL;
                case 2 -> one.signed() ? memory.getShort(i * 2) : memory.getShort(i * 2) & 0xffffL;
                default -> one.signed() ? memory.get(i) : memory.get(i) & 0xffL;
            };
        }
        return numbers;
    }

    /**
     * Element of an array, or of the array that a pointer member leads to. When elements are pointers themselves it is
     * what the pointer points to.
     *
     * @throws GuestFault when it is beyond an array of known length, or a null pointer
     */
    public KernelObject element(String path, int i) {
        return tryElement(path, i).orElseThrow(() -> new GuestFault(
                Reason.NULL, type.name() + "." + path + "[" + i + "] of the one at " + hex(address) + " is null"));
    }

    /** @return empty when the element is a null pointer */
    public Optional<KernelObject> tryElement(String path, int i) {
        Elements elements = elements(path);
        if (i < 0 || elements.array() && elements.count() > OPEN_END && i >= elements.count()) {
            throw GuestFault.bound(
                    "Element " + i + " of " + type.name() + "." + path + ", which has " + elements.count());
        }
        Btf types = kernel.types();
        long at = elements.start() + i * types.sizeOf(elements.type().id());
        if (types.blob().kind(elements.type().id()) != BtfBlob.PTR) {
            return Optional.of(new KernelObject(kernel, elements.type(), at));
        }
        TypeView target = types.pointed(elements.type().id(), type.name() + "." + path);
        long pointer = kernel.u64(at);
        return pointer == 0 ? Optional.empty() : Optional.of(new KernelObject(kernel, target, pointer));
    }

    /** @param count as the type has it; up to {@link #OPEN_END} it says nothing */
    private record Elements(TypeView type, long start, boolean array, int count) {}

    private Elements elements(String path) {
        Member member = type.member(path);
        BtfBlob blob = kernel.types().blob();
        if (blob.kind(member.typeId()) == BtfBlob.ARRAY) {
            int count = bounded(blob.extra(member.typeId(), 2) & 0xffff_ffffL, path);
            TypeView one = kernel.types().view(blob.extra(member.typeId(), 0));
            return new Elements(one, address + member.offset(), true, count);
        }
        KernelObject first = follow(path);
        return new Elements(first.type, first.address, false, 0);
    }

    /**
     * Text of a char array (up to its first zero byte or its end) or of what a {@code char *} points to.
     *
     * @param limit in bytes, the zero byte included
     */
    public String text(String path, int limit) {
        Member member = type.member(path);
        if (kernel.types().blob().kind(member.typeId()) == BtfBlob.PTR) {
            return kernel.text(follow(path).address, limit);
        }
        byte[] bytes = kernel.bytes(address + member.offset(), bounded(Math.min(member.bytes(), limit), path));
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
    }

    /**
     * Elements of a {@code struct list_head}.
     *
     * @param headPath the head, in this object; {@code ""} when this object is the head
     * @param elementType of the elements
     * @param linkPath the link in the elements
     * @param limit more elements end in a fault, as does a list that does not come back to its head
     */
    public Iterable<KernelObject> list(String headPath, String elementType, String linkPath, int limit) {
        return KernelLists.circular(at(headPath), kernel.types().view(elementType), linkPath, limit);
    }

    /** Elements of a {@code struct hlist_head}; see {@link #list}. */
    public Iterable<KernelObject> hlist(String headPath, String elementType, String linkPath, int limit) {
        return KernelLists.open(at(headPath), kernel.types().view(elementType), linkPath, limit);
    }

    /** Elements of a {@code struct rb_root} in order; see {@link #list}. A cached root: {@code rbr.rb_root}. */
    public Iterable<KernelObject> tree(String rootPath, String elementType, String nodePath, int limit) {
        return KernelLists.redBlack(at(rootPath), kernel.types().view(elementType), nodePath, limit);
    }

    /** Same guest, address and type. */
    @Override
    public boolean equals(Object other) {
        return other instanceof KernelObject o && o.kernel == kernel && o.address == address && o.type == type;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(address);
    }

    @Override
    public String toString() {
        return type.name() + "@" + hex(address);
    }
}
