package io.decamp.contracts.page;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Texts in a control frame: length in two bytes, then UTF-8. */
final class MetaText {
    private MetaText() {}

    /** A text longer than the limit is cut: it can only be one for people, names are shorter by their own rules. */
    static void put(ByteBuffer out, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        int length = utf8.length;
        if (length > FrameDescriptor.MAX_TEXT_BYTES) {
            length = FrameDescriptor.MAX_TEXT_BYTES;
            while ((utf8[length] & 0xC0) == 0x80) {
                length--;
            }
        }
        out.putShort((short) length);
        out.put(utf8, 0, length);
    }

    static String get(ByteBuffer meta) {
        int length = Short.toUnsignedInt(meta.getShort());
        if (length > FrameDescriptor.MAX_TEXT_BYTES || length > meta.remaining()) {
            throw FrameException.malformed("A text of " + length + " bytes does not fit into its frame");
        }
        try {
            ByteBuffer utf8 = meta.slice(meta.position(), length);
            meta.position(meta.position() + length);
            return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
        } catch (CharacterCodingException e) {
            throw FrameException.malformed("A text of " + length + " bytes is not UTF-8");
        }
    }
}
