package io.decamp.restorer.engine.image;

import io.decamp.contracts.error.DecampException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Bounds-checked reading position in one image. Never advances on failure, and remembers where the last value started,
 * so that an error names file, offset and what was expected there. Not thread safe.
 */
final class ImageCursor {
    private final String source;
    private final ByteBuffer bytes;
    private int last;

    ImageCursor(String source, byte[] content) {
        this.source = source;
        this.bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    }

    boolean atEnd() {
        return !bytes.hasRemaining();
    }

    /** @param expectation what the four bytes are, for the error */
    int nextInt(String expectation) {
        require(Integer.BYTES, expectation);
        last = bytes.position();
        return bytes.getInt();
    }

    /** @return a view of the next {@code length} bytes */
    ByteBuffer nextBytes(int length, String expectation) {
        require(length, expectation);
        last = bytes.position();
        ByteBuffer slice = bytes.slice(last, length);
        bytes.position(last + length);
        return slice;
    }

    /** The image is wrong at the value read last. */
    DecampException bad(String expectation, String found, Throwable cause) {
        return error(last, expectation, found, cause);
    }

    private void require(int length, String expectation) {
        if (bytes.remaining() < length) {
            throw error(bytes.position(), expectation, "only " + bytes.remaining() + " of " + length + " bytes", null);
        }
    }

    private DecampException error(int offset, String expectation, String found, Throwable cause) {
        return new DecampException(
                DecampException.Category.REFUSED,
                "bad-image",
                source + " at offset " + offset + ": expected " + expectation + ", found " + found,
                "The image is damaged or of a CRIU version that is not known; take a new snapshot",
                cause);
    }
}
