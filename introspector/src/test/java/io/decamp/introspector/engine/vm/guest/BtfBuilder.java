package io.decamp.introspector.engine.vm.guest;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes BTF, right or wrong, type by type. Each method returns the number of the type it added. */
final class BtfBuilder {
    private final ByteBuffer types = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private int count;

    BtfBuilder() {
        strings.write(0);
    }

    record Field(String name, int type, int bitOffset, int bits) {}

    static Field field(String name, int type, int byteOffset) {
        return new Field(name, type, byteOffset * 8, 0);
    }

    static Field bits(String name, int type, int bitOffset, int bits) {
        return new Field(name, type, bitOffset, bits);
    }

    int name(String name) {
        if (name.isEmpty()) {
            return 0;
        }
        int at = strings.size();
        strings.writeBytes((name + "\0").getBytes(StandardCharsets.US_ASCII));
        return at;
    }

    int type(String name, int kind, int entries, boolean flag, int sizeOrType, int... extra) {
        types.putInt(name(name)).putInt(kind << 24 | entries | (flag ? 1 << 31 : 0)).putInt(sizeOrType);
        for (int word : extra) {
            types.putInt(word);
        }
        return ++count;
    }

    int integer(String name, int bytes, boolean signed) {
        return type(name, BtfBlob.INT, 0, false, bytes, (signed ? 1 << 24 : 0) | bytes * 8);
    }

    int pointer(int to) {
        return type("", BtfBlob.PTR, 0, false, to);
    }

    int array(int of, int elements) {
        return type("", BtfBlob.ARRAY, 0, false, 0, of, of, elements);
    }

    int struct(String name, int bytes, Field... fields) {
        return compound(BtfBlob.STRUCT, name, bytes, fields);
    }

    int compound(int kind, String name, int bytes, Field... fields) {
        int[] words = new int[fields.length * 3];
        for (int i = 0; i < fields.length; i++) {
            words[i * 3] = name(fields[i].name);
            words[i * 3 + 1] = fields[i].type;
            words[i * 3 + 2] = fields[i].bitOffset | fields[i].bits << 24;
        }
        return type(name, kind, fields.length, true, bytes, words);
    }

    byte[] bytes() {
        byte[] names = strings.toByteArray();
        int length = types.position();
        return ByteBuffer.allocate(24 + length + names.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x1eb9f)
                .putInt(24)
                .putInt(0)
                .putInt(length)
                .putInt(length)
                .putInt(names.length)
                .put(types.array(), 0, length)
                .put(names)
                .array();
    }

    Btf parse() {
        return Btf.parse(bytes());
    }
}
