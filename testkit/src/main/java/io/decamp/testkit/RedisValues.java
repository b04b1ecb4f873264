package io.decamp.testkit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What each key of a {@link RedisLoad} must hold: bytes that follow from the key's number and a version, which is written in
 * front of them.
 */
final class RedisValues {
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int HEADER_BYTES = 2 * Long.BYTES;

    private final int valueBytes;

    RedisValues(int valueBytes) {
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
        LONG.set(value, 0, (long) number);
        LONG.set(value, Long.BYTES, version);
        for (int at = HEADER_BYTES; at < valueBytes; at += Long.BYTES) {
            LONG.set(value, at, word(number, version, at));
        }
        return value;
    }

    /** The version that this value is of. @return -1 when it is no right value of this key */
    long version(int number, byte[] value) {
        if (value == null || value.length != valueBytes || (long) LONG.get(value, 0) != number) {
            return -1;
        }
        long version = (long) LONG.get(value, Long.BYTES);
        for (int at = HEADER_BYTES; at < valueBytes; at += Long.BYTES) {
            if ((long) LONG.get(value, at) != word(number, version, at)) {
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
