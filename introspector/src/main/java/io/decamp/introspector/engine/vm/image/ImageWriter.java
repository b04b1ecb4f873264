package io.decamp.introspector.engine.vm.image;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One image file while it is written (criu/protobuf.c), integers little-endian:
 *
 * <pre>
 * | common magic u32 | type magic u32 | { size u32 | message | raw bytes that belong to it } ... |
 * </pre>
 *
 * <p>One thread. Not durable: images are written to memory file systems and travel from there.
 */
public final class ImageWriter implements AutoCloseable {
    /** Most images are far smaller: one write call each. */
    private static final int BUFFER_BYTES = 16 << 10;

    private final Path file;
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long written;
    private boolean closed;

    ImageWriter(Path file, ImageFile type) {
        this.file = file;
        try {
            channel = FileChannel.open(
                    file, StandardOpenOption.WRITE, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING);
        } catch (IOException e) {
            throw failed(e);
        }
        if (type.startsWithCommonMagic()) {
            buffer.putInt(ImageFile.COMMON_MAGIC);
        }
        if (type.magic() != 0) {
            buffer.putInt(type.magic());
        }
    }

    /** Appends a message with its size in front. */
    public ImageWriter message(MessageLite message) {
        int size = message.getSerializedSize();
        room(Integer.BYTES);
        buffer.putInt(size);
        if (size > buffer.remaining()) {
            drain();
        }
        if (size > buffer.capacity()) {
            return raw(MemorySegment.ofArray(message.toByteArray()));
        }
        try {
            CodedOutputStream out = CodedOutputStream.newInstance(buffer.array(), buffer.position(), size);
            message.writeTo(out);
            out.checkNoSpaceLeft();
        } catch (IOException e) {
            throw failed(e);
        }
        buffer.position(buffer.position() + size);
        return this;
    }

    /** Appends bytes as they are: a pipe's content behind its message, pages. */
    public ImageWriter raw(MemorySegment bytes) {
        drain();
        ByteBuffer from = bytes.asByteBuffer();
        try {
            while (from.hasRemaining()) {
                written += channel.write(from);
            }
        } catch (IOException e) {
            throw failed(e);
        }
        return this;
    }

    private void room(int bytes) {
        if (bytes > buffer.remaining()) {
            drain();
        }
    }

    private void drain() {
        buffer.flip();
        try {
            while (buffer.hasRemaining()) {
                written += channel.write(buffer);
            }
        } catch (IOException e) {
            throw failed(e);
        }
        buffer.clear();
    }

    /** Bytes of the file so far. */
    long size() {
        return written + buffer.position();
    }

    /** Writes what is left. @throws DecampException {@code image-io} if that fails: the image is not complete then */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try (channel) {
            drain();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private DecampException failed(IOException cause) {
        return DecampException.abort(
                "image-io",
                "Can't write " + file,
                "Check that the directory exists and its file system has room",
                cause);
    }
}
