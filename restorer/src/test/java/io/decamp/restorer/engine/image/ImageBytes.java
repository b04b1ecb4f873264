package io.decamp.restorer.engine.image;

import com.google.protobuf.MessageLite;
import io.decamp.contracts.criu.PagemapEntry;
import io.decamp.contracts.criu.PagemapHead;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes image bytes exactly as a test wants them, right or wrong. */
final class ImageBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static ImageBytes pagemap() {
        return new ImageBytes().word(0x54564319).word(0x56084025);
    }

    ImageBytes word(int value) {
        out.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
        return this;
    }

    ImageBytes raw(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    ImageBytes message(MessageLite message) {
        word(message.getSerializedSize());
        out.writeBytes(message.toByteArray());
        return this;
    }

    ImageBytes head(int pagesId) {
        return message(PagemapHead.newBuilder().setPagesId(pagesId).build());
    }

    ImageBytes entry(long address, long pages, int flags) {
        return message(PagemapEntry.newBuilder()
                .setVaddr(address)
                .setCompatNrPages((int) pages)
                .setFlags(flags)
                .setNrPages(pages)
                .build());
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
