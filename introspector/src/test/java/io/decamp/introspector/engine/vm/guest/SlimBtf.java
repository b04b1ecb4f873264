package io.decamp.introspector.engine.vm.guest;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The same types under the same numbers, but functions have no parameters, and structs which nobody asked for have no
 * name and no members: what is left of a kernel's 5 MiB packs to some tens of KiB.
 */
final class SlimBtf {
    private final BtfBlob blob;
    private final Btf types;
    private final Set<Integer> kept = new HashSet<>();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private final Map<String, Integer> offsets = new HashMap<>();
    private final ByteBuffer out;

    SlimBtf(Btf types) {
        this.types = types;
        blob = types.blob();
        out = ByteBuffer.allocate(BtfBlob.MAX_BYTES / 8).order(ByteOrder.LITTLE_ENDIAN);
        strings.write(0);
        keep();
    }

    /** What was asked for, what is embedded in it, and what its pointers lead to. */
    private void keep() {
        Deque<Integer> open = new ArrayDeque<>(types.viewed());
        while (!open.isEmpty()) {
            int id = types.strip(open.poll());
            int kind = blob.kind(id);
            if (kind == BtfBlob.ARRAY) {
                open.add(blob.extra(id, 0));
            } else if ((kind == BtfBlob.STRUCT || kind == BtfBlob.UNION) && kept.add(id)) {
                for (int i = 0; i < blob.entries(id); i++) {
                    open.add(blob.entry(id, i, 1));
                }
            }
        }
    }

    byte[] bytes() {
        for (int id = 1; id < blob.count(); id++) {
            type(id);
        }
        byte[] names = strings.toByteArray();
        int typesBytes = out.position();
        ByteBuffer all = ByteBuffer.allocate(24 + typesBytes + names.length).order(ByteOrder.LITTLE_ENDIAN);
        all.putInt(0x1eb9f).putInt(24).putInt(0).putInt(typesBytes).putInt(typesBytes).putInt(names.length);
        return all.put(out.flip()).put(names).array();
    }

    private void type(int id) {
        int kind = blob.kind(id);
        switch (kind) {
            case BtfBlob.STRUCT, BtfBlob.UNION -> {
                boolean whole = kept.contains(id);
                head(whole ? id : 0, kind, whole ? blob.entries(id) : 0, blob.flag(id), blob.sizeOrType(id));
                for (int i = 0; whole && i < blob.entries(id); i++) {
                    out.putInt(name(blob.entry(id, i, 0))).putInt(blob.entry(id, i, 1)).putInt(blob.entry(id, i, 2));
                }
            }
            case BtfBlob.INT -> {
                head(id, kind, 0, false, blob.sizeOrType(id));
                out.putInt(blob.extra(id, 0));
            }
            case BtfBlob.ARRAY -> {
                head(0, kind, 0, false, 0);
                out.putInt(blob.extra(id, 0)).putInt(blob.extra(id, 1)).putInt(blob.extra(id, 2));
            }
            case BtfBlob.FUNC_PROTO, BtfBlob.FUNC, BtfBlob.VAR, BtfBlob.DATASEC, BtfBlob.DECL_TAG ->
                head(0, BtfBlob.FUNC_PROTO, 0, false, 0);
            case BtfBlob.ENUM, BtfBlob.ENUM64 -> head(0, kind, 0, blob.flag(id), blob.sizeOrType(id));
            case BtfBlob.PTR, BtfBlob.CONST, BtfBlob.VOLATILE, BtfBlob.RESTRICT ->
                head(0, kind, 0, false, blob.sizeOrType(id));
            default -> head(id, kind, 0, blob.flag(id), blob.sizeOrType(id));
        }
    }

    private void head(int named, int kind, int entries, boolean flag, int sizeOrType) {
        out.putInt(named == 0 ? 0 : name(blob.nameOffset(named)))
                .putInt(kind << 24 | entries | (flag ? 1 << 31 : 0))
                .putInt(sizeOrType);
    }

    private int name(int offset) {
        if (offset == 0) {
            return 0;
        }
        return offsets.computeIfAbsent(blob.name(offset), name -> {
            int at = strings.size();
            strings.writeBytes((name + "\0").getBytes(StandardCharsets.US_ASCII));
            return at;
        });
    }
}
