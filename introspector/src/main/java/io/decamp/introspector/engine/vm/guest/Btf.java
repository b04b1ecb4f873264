package io.decamp.introspector.engine.vm.guest;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The types of a guest's kernel, from its own BTF: no offset is written in our source. Refuses types that contain
 * themselves, references to nothing, and sizes that no object has. Thread safe.
 *
 * <p>A path names a member of a member ({@code se.on_rq}, {@code numbers[0].nr}); members without a name are looked
 * through. Whether a kernel has something is asked with {@link #has}, never by its version.
 */
public final class Btf {
    private static final int POINTER_BYTES = 8;
    /** Arrays of arrays and the like. */
    private static final int MAX_NESTING = 16;

    private final BtfBlob blob;
    private final NameSlots table;
    private final Map<Integer, TypeView> views = new ConcurrentHashMap<>();
    private final Map<String, TypeView> named = new ConcurrentHashMap<>();
    private final Map<String, OptionalLong> enumerators = new ConcurrentHashMap<>();

    private Btf(BtfBlob blob) {
        this.blob = blob;
        table = index();
    }

    /**
     * @param section all of {@code .BTF}; kept, not copied
     * @throws GuestFault when it is not BTF of this byte order
     */
    public static Btf parse(byte[] section) {
        return new Btf(new BtfBlob(section));
    }

    /** Types which can be named; functions, the most, can't. */
    private NameSlots index() {
        NameSlots slots = new NameSlots(blob.count());
        for (int id = 1; id < blob.count(); id++) {
            if (rank(blob.kind(id)) > 0 && blob.nameOffset(id) != 0) {
                slots.add(blob.nameHash(blob.nameOffset(id)), id);
            }
        }
        return slots;
    }

    /** Structs go before typedefs and numbers of the same name. */
    private static int rank(int kind) {
        return switch (kind) {
            case BtfBlob.STRUCT, BtfBlob.UNION -> 3;
            case BtfBlob.TYPEDEF -> 2;
            case BtfBlob.INT, BtfBlob.ENUM, BtfBlob.ENUM64 -> 1;
            default -> 0;
        };
    }

    private int lookUp(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        int best = 0;
        int slot = table.first(NameSlots.hash(bytes, 0, bytes.length));
        for (; table.at(slot) != 0; slot = table.next(slot)) {
            int id = table.at(slot);
            boolean better = best == 0 || rank(blob.kind(id)) > rank(blob.kind(best));
            if (better && blob.nameIs(blob.nameOffset(id), bytes)) {
                best = id;
            }
        }
        return best;
    }

    /** Types that were asked for up to now. */
    Set<Integer> viewed() {
        return Set.copyOf(views.keySet());
    }

    BtfBlob blob() {
        return blob;
    }

    /** @throws GuestFault when there is no such type */
    TypeView view(String name) {
        TypeView known = named.get(name);
        if (known == null) {
            int id = lookUp(name);
            if (id == 0) {
                throw GuestFault.type("This kernel has no type " + name);
            }
            known = view(id);
            named.put(name, known);
        }
        return known;
    }

    TypeView view(int typeId) {
        int id = strip(typeId);
        TypeView known = views.get(id);
        if (known == null) {
            known = new TypeView(this, id, describe(id));
            views.put(id, known);
        }
        return known;
    }

    /**
     * The type a pointer leads to. One which is only declared where the pointer is, is looked up by name.
     *
     * @throws GuestFault when it is not a pointer, or one to void or a function
     */
    TypeView pointed(int pointerId, String what) {
        if (blob.kind(pointerId) != BtfBlob.PTR) {
            throw GuestFault.type(what + " is not a pointer");
        }
        int target = strip(blob.sizeOrType(pointerId));
        return switch (blob.kind(target)) {
            case BtfBlob.FWD -> view(blob.name(blob.nameOffset(target)));
            case 0, BtfBlob.FUNC_PROTO, BtfBlob.FUNC -> throw GuestFault.type(what + " points to what has no type");
            default -> view(target);
        };
    }

    private String describe(int id) {
        String name = id == 0 ? "void" : blob.name(blob.nameOffset(id));
        return name.isEmpty() ? "(type " + id + ")" : name;
    }

    /** Without typedefs, const, volatile, restrict and tags. */
    int strip(int typeId) {
        int id = typeId;
        for (int i = 0; i < TypePath.MAX_MODIFIERS; i++) {
            switch (blob.kind(id)) {
                case BtfBlob.TYPEDEF, BtfBlob.VOLATILE, BtfBlob.CONST, BtfBlob.RESTRICT, BtfBlob.TYPE_TAG ->
                    id = blob.sizeOrType(id);
                default -> {
                    return id;
                }
            }
        }
        throw GuestFault.format("BTF type " + typeId + " refers to itself");
    }

    long sizeOf(int typeId) {
        long factor = 1;
        int id = typeId;
        for (int i = 0; i < MAX_NESTING; i++) {
            id = strip(id);
            switch (blob.kind(id)) {
                case BtfBlob.INT, BtfBlob.STRUCT, BtfBlob.UNION, BtfBlob.ENUM, BtfBlob.ENUM64, BtfBlob.FLOAT -> {
                    return Math.multiplyExact(factor, blob.sizeOrType(id) & 0xffff_ffffL);
                }
                case BtfBlob.PTR -> {
                    return factor * POINTER_BYTES;
                }
                case BtfBlob.ARRAY -> {
                    factor *= blob.extra(id, 2) & 0xffff_ffffL;
                    if (factor > 1L << 31) {
                        throw GuestFault.format("BTF type " + typeId + " is an array of " + factor + " elements");
                    }
                    id = blob.extra(id, 0);
                }
                default -> {
                    return 0;
                }
            }
        }
        throw GuestFault.format("BTF type " + typeId + " contains itself");
    }

    public boolean hasType(String name) {
        return lookUp(name) != 0;
    }

    /** In bytes. */
    public long sizeOf(String type) {
        return sizeOf(view(type).id());
    }

    /** Whether the type is there and has the member. */
    public boolean has(String type, String path) {
        return hasType(type) && view(type).find(path).isPresent();
    }

    /** In bytes from the start of the type. */
    public long offsetOf(String type, String path) {
        return view(type).member(path).offset();
    }

    /** Size of a member in bytes. */
    public long sizeOf(String type, String path) {
        return view(type).member(path).bytes();
    }

    /**
     * The value of an enumeration's constant, like {@code PIDTYPE_TGID}: the first of that name in any enumeration.
     *
     * @return empty when this kernel has none
     */
    public OptionalLong enumerator(String name) {
        return enumerators.computeIfAbsent(name, this::searchEnumerator);
    }

    private OptionalLong searchEnumerator(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        for (int id = 1; id < blob.count(); id++) {
            int kind = blob.kind(id);
            if (kind != BtfBlob.ENUM && kind != BtfBlob.ENUM64) {
                continue;
            }
            for (int i = 0; i < blob.entries(id); i++) {
                if (blob.nameIs(blob.entry(id, i, 0), bytes)) {
                    long low = blob.entry(id, i, 1);
                    return OptionalLong.of(
                            kind == BtfBlob.ENUM64
                                    ? low & 0xffff_ffffL | (long) blob.entry(id, i, 2) << 32
                                    : blob.flag(id) ? low : low & 0xffff_ffffL);
                }
            }
        }
        return OptionalLong.empty();
    }

    @Override
    public String toString() {
        return "BTF of " + blob.count() + " types";
    }
}
