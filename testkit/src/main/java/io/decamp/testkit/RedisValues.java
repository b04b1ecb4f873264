package io.decamp.testkit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What each key of a client that checks its server must hold: bytes that follow from its number and a version, written in
 * front of them.
 */
public final class RedisValues {
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int HEADER_BYTES = 2 * Long.BYTES;

    private final int valueBytes;

    public RedisValues(int valueBytes) {
        if (valueBytes < HEADER_BYTES || valueBytes % Long.BYTES != 0) {
            throw new IllegalArgumentException("A value has 16 bytes or more, a multiple of 8, not " + valueBytes);
        }
        this.valueBytes = valueBytes;
    }

    static byte[] key(int number) {
        return ("decamp:" + number).getBytes(StandardCharsets.US_ASCII);
    }

    byte[] value(int number, long version) {
        byte[] value = new byte[valueBytes];
        put(value, 0, number, version);
        return value;
    }

    /** Writes the value into {@code target} from {@code from} on. */
    public void put(byte[] target, int from, int number, long version) {
        LONG.set(target, from, (long) number);
        LONG.set(target, from + Long.BYTES, version);
        for (int at = HEADER_BYTES; at < valueBytes; at += Long.BYTES) {
            LONG.set(target, from + at, word(number, version, at));
        }
    }

    /** The version that this value is of. @return -1 when it is no right value of this key */
    long version(int number, byte[] value) {
        return value == null || value.length != valueBytes ? -1 : version(number, value, 0);
    }

    /** As above, of the value that begins at {@code from}. */
    public long version(int number, byte[] source, int from) {
        if ((long) LONG.get(source, from) != number) {
            return -1;
        }
        long version = (long) LONG.get(source, from + Long.BYTES);
        for (int at = HEADER_BYTES; at < valueBytes; at += Long.BYTES) {
            if ((long) LONG.get(source, from + at) != word(number, version, at)) {
                return -1;
            }
        }
        return version;
    }

    private static long word(int number, long version, int at) {
        long z = number * 0x9e3779b97f4a7c15L + version * 0xd1342543de82ef95L + at;
        z = (z ^ z >>> 32) * 0xd6e8feb86659fd93L;
        return z ^ z >>> 32;
    }
}
