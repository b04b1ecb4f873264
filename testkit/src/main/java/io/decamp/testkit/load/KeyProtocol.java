package io.decamp.testkit.load;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Requests of a key-value server, and how long their right answers are. Every value has the same length, so an answer
 * that is neither of that length nor of that form is wrong, and no parser is needed.
 */
enum KeyProtocol {
    /** RESP2: an array of bulk strings. */
    REDIS(
            "*2\r\n$3\r\nGET\r\n$15\r\n%s\r\n",
            "*3\r\n$3\r\nSET\r\n$15\r\n%s\r\n$%d\r\n",
            "$%2$d\r\n",
            "\r\n",
            "+OK\r\n"),
    /** The text protocol of memcached. */
    MEMCACHED("get %s\r\n", "set %s 0 0 %d\r\n", "VALUE %1$s 0 %2$d\r\n", "\r\nEND\r\n", "STORED\r\n");

    private static final String PREFIX = "decamp:";
    private static final int DIGITS = 8;

    private final String get;
    private final String set;
    private final String valueHead;
    private final String valueTail;
    private final String stored;

    KeyProtocol(String get, String set, String valueHead, String valueTail, String stored) {
        this.get = get;
        this.set = set;
        this.valueHead = valueHead;
        this.valueTail = valueTail;
        this.stored = stored;
    }

    /** Ready-made bytes for values of one length; for one thread. */
    final class Codec {
        private static final int DECIMAL = 10;

        private final byte[] getBytes;
        private final byte[] setBytes;
        private final byte[] headBytes;
        private final byte[] firstBytes;
        private final byte[] tailBytes = bytes(valueTail);
        private final byte[] storedBytes = bytes(stored);
        private final byte[] end = bytes("\r\n");
        private final int valueBytes;

        Codec(int valueBytes) {
            this.valueBytes = valueBytes;
            String key = PREFIX + "0".repeat(DIGITS);
            headBytes = bytes(String.format(valueHead, key, valueBytes));
            // up to the key, where there is one
            firstBytes = bytes(String.format(valueHead, key, valueBytes).split(PREFIX)[0]);
            getBytes = bytes(String.format(get, key));
            setBytes = bytes(String.format(set, key, valueBytes));
        }

        void putGet(ByteBuffer out, int key) {
            put(out, getBytes, key);
        }

        void putSet(ByteBuffer out, int key, byte[] value) {
            put(out, setBytes, key);
            out.put(value, 0, valueBytes).put(end);
        }

        int largestRequest() {
            return setBytes.length + valueBytes + end.length;
        }

        int answerBytes(boolean isSet) {
            return isSet ? storedBytes.length : headBytes.length + valueBytes + tailBytes.length;
        }

        /** Where in an answer to GET the value begins. */
        int valueAt() {
            return headBytes.length;
        }

        /**
         * Whether what has come of an answer, {@code length} bytes from {@code from} on, can be the right one. Between
         * its first bytes and its last lies the value, which says itself what it is.
         */
        boolean canBe(boolean isSet, byte[] answer, int from, int length) {
            byte[] wanted = isSet ? storedBytes : firstBytes;
            int begun = Math.min(wanted.length, length);
            if (!Arrays.equals(wanted, 0, begun, answer, from, from + begun)) {
                return false;
            }
            int end = from + answerBytes(false);
            return isSet
                    || from + length < end
                    || Arrays.equals(tailBytes, 0, tailBytes.length, answer, end - tailBytes.length, end);
        }

        private void put(ByteBuffer out, byte[] pattern, int key) {
            int start = out.position();
            out.put(pattern);
            int rest = key;
            for (int at = start + lastDigit(pattern), i = 0; i < DIGITS; i++) {
                out.put(at - i, (byte) ('0' + rest % DECIMAL));
                rest /= DECIMAL;
            }
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Where the last digit of the key is. */
    private static int lastDigit(byte[] request) {
        int colon = 0;
        while (request[colon] != ':') {
            colon++;
        }
        return colon + DIGITS;
    }
}
