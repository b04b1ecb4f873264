package io.decamp.introspector.engine.vm.files;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Reads a criu image: both magics, then messages with their sizes in front and perhaps bytes behind each. */
final class ImageReader {
    /** A message and what follows it. */
    record Item<T>(T message, byte[] payload) {}

    private static final int COMMON_MAGIC = 0x54564319;

    private ImageReader() {}

    static <T extends MessageLite> List<T> messages(Path file, Parser<T> parser) {
        return items(file, parser, message -> 0).stream().map(Item::message).toList();
    }

    /** @param payload bytes behind a message; -1 for all that is left */
    static <T extends MessageLite> List<Item<T>> items(Path file, Parser<T> parser, ToIntFunction<T> payload) {
        List<Item<T>> items = new ArrayList<>();
        try {
            ByteBuffer image = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(COMMON_MAGIC, image.getInt(), file.toString());
            image.getInt();
            while (image.hasRemaining()) {
                T message = parser.parseFrom(bytes(image, image.getInt()));
                int behind = payload.applyAsInt(message);
                items.add(new Item<>(message, bytes(image, behind < 0 ? image.remaining() : behind)));
            }
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(file + " holds another message", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return items;
    }

    private static byte[] bytes(ByteBuffer from, int count) {
        byte[] bytes = new byte[count];
        from.get(bytes);
        return bytes;
    }

    /** Writes messages over an image of the same kind. */
    static void rewrite(Path file, List<? extends MessageLite> messages) {
        try {
            byte[] old = Files.readAllBytes(file);
            int size = messages.stream()
                    .mapToInt(m -> m.getSerializedSize() + Integer.BYTES)
                    .sum();
            ByteBuffer image = ByteBuffer.allocate(8 + size).order(ByteOrder.LITTLE_ENDIAN);
            image.put(old, 0, 8);
            messages.forEach(m -> image.putInt(m.getSerializedSize()).put(m.toByteArray()));
            Files.write(file, image.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
