package io.decamp.restorer.engine.image;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.decamp.contracts.error.DecampException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * CRIU's container of protobuf messages (criu/image.c, criu/protobuf.c), all integers little-endian:
 *
 * <pre>
 * | common magic u32 (not in inventory.img) | type magic u32 | { size u32 | message } ... |
 * </pre>
 *
 * <p>Reading trusts nothing: sizes are checked against the file and against limits before anything is allocated.
 */
public final class CriuImageFile {
    /** A pagemap with an entry for every other page of 8 GiB is 20 MiB; anything far above is not an image. */
    public static final int MAX_FILE_BYTES = 128 << 20;

    /** The largest real messages (mm.img with 65530 VMAs) are below 8 MiB. */
    public static final int MAX_MESSAGE_BYTES = 16 << 20;

    private CriuImageFile() {}

    /** @throws DecampException {@code bad-image} naming file, offset and expectation; {@code image-io} if unreadable */
    public static void read(Path file, ImageType type, Messages messages) {
        parse(file.getFileName().toString(), load(file), type, messages);
    }

    /** Receives messages in order; the parser for each is asked for first. */
    public interface Messages {
        /** Reads message number {@code index} (from 0). */
        void next(int index, Message message);
    }

    /** One message that has not been decoded yet. */
    public static final class Message {
        private final ImageCursor cursor;
        private final ByteBuffer bytes;

        private Message(ImageCursor cursor, ByteBuffer bytes) {
            this.cursor = cursor;
            this.bytes = bytes;
        }

        public <T extends MessageLite> T as(Parser<T> parser, String name) {
            try {
                return parser.parseFrom(bytes);
            } catch (InvalidProtocolBufferException e) {
                throw cursor.bad("a " + name + " of " + bytes.capacity() + " bytes", "no such message", e);
            }
        }

        /** For a message that decodes but says what can't be. */
        public DecampException bad(String expectation, String found) {
            return cursor.bad(expectation, found, null);
        }
    }

    static void parse(String source, byte[] content, ImageType type, Messages messages) {
        ImageCursor cursor = new ImageCursor(source, content);
        if (type.startsWithCommonMagic()) {
            expectMagic(cursor, ImageType.COMMON_MAGIC, "the common magic");
        }
        expectMagic(cursor, type.magic(), "the magic of a " + type.name().toLowerCase(Locale.ROOT) + " image");
        for (int index = 0; !cursor.atEnd(); index++) {
            int size = cursor.nextInt("the size of message " + index);
            if (size < 0 || size > MAX_MESSAGE_BYTES) {
                throw cursor.bad(
                        "a message of at most " + MAX_MESSAGE_BYTES + " bytes",
                        "size " + Integer.toUnsignedString(size),
                        null);
            }
            messages.next(index, new Message(cursor, cursor.nextBytes(size, "message " + index)));
        }
    }

    /** Replaces {@code file} at once: a reader sees the old image or the new one, never a part. */
    public static void write(Path file, ImageType type, List<? extends MessageLite> messages) {
        write(file, type, sink -> messages.forEach(sink));
    }

    /** As {@link #write(Path, ImageType, List)}, for messages that are made one by one. */
    public static void write(Path file, ImageType type, Consumer<Consumer<MessageLite>> messages) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (type.startsWithCommonMagic()) {
            putInt(out, ImageType.COMMON_MAGIC);
        }
        putInt(out, type.magic());
        messages.accept(message -> {
            putInt(out, message.getSerializedSize());
            out.writeBytes(message.toByteArray());
        });
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.write(fresh, out.toByteArray());
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw io("Can't write " + file, e);
        }
    }

    private static byte[] load(Path file) {
        try {
            long size = Files.size(file);
            if (size > MAX_FILE_BYTES) {
                throw DecampException.refused(
                        "bad-image",
                        file.getFileName() + " is " + size + " bytes, more than the limit of " + MAX_FILE_BYTES,
                        "Take a new snapshot; an image of this kind is never that large");
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw io("Can't read " + file, e);
        }
    }

    private static void expectMagic(ImageCursor cursor, int magic, String name) {
        int found = cursor.nextInt(name);
        if (found != magic) {
            throw cursor.bad(String.format("%s (0x%08x)", name, magic), String.format("0x%08x", found), null);
        }
    }

    private static void putInt(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    private static DecampException io(String what, IOException cause) {
        return DecampException.abort(
                "image-io", what, "Check that the directory exists and its file system has room", cause);
    }
}
