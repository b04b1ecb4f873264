package io.decamp.restorer.engine.vm;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes an archive as POSIX.1-1988 has it (ustar), which busybox and GNU tar unpack. Names are ours, and short. One
 * thread.
 */
final class TarFile implements Closeable {
    /** Owner and times of an entry. */
    record Attributes(int mode, int uid, int gid, long mtimeSeconds) {
        static final Attributes OURS = new Attributes(0600, 0, 0, 0);
        static final Attributes OURS_TO_RUN = new Attributes(0700, 0, 0, 0);
    }

    private static final int BLOCK = 512;
    private static final int NAME_BYTES = 100;
    /** Eleven octal digits. */
    private static final long SIZE_LIMIT = 1L << 33;

    private static final int PERMISSIONS = 07777;

    private final FileChannel out;

    TarFile(Path file) throws IOException {
        this.out = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
    }

    void directory(String name) throws IOException {
        header(name + "/", Attributes.OURS_TO_RUN, 0, '5');
    }

    void file(String name, Attributes attributes, byte[] content) throws IOException {
        header(name, attributes, content.length, '0');
        writeFully(ByteBuffer.wrap(content));
        pad(content.length);
    }

    /** The content as it is now: it must not change meanwhile. */
    void file(String name, Attributes attributes, Path content) throws IOException {
        try (FileChannel in = FileChannel.open(content)) {
            long size = in.size();
            header(name, attributes, size, '0');
            long done = 0;
            while (done < size) {
                long moved = in.transferTo(done, size - done, out);
                if (moved <= 0) {
                    throw new IOException(content + " ended after " + done + " of " + size + " bytes");
                }
                done += moved;
            }
            pad(size);
        }
    }

    private void header(String name, Attributes attributes, long size, char type) throws IOException {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        if (nameBytes.length > NAME_BYTES || size >= SIZE_LIMIT) {
            throw new IOException("an archive can't hold " + name + " with " + size + " bytes");
        }
        byte[] header = new byte[BLOCK];
        System.arraycopy(nameBytes, 0, header, 0, nameBytes.length);
        octal(header, 100, 8, attributes.mode() & PERMISSIONS);
        octal(header, 108, 8, id(attributes.uid()));
        octal(header, 116, 8, id(attributes.gid()));
        octal(header, 124, 12, size);
        octal(header, 136, 12, Math.max(0, attributes.mtimeSeconds()));
        header[156] = (byte) type;
        text(header, 257, "ustar");
        text(header, 263, "00");
        text(header, 148, "        ");
        int sum = 0;
        for (byte each : header) {
            sum += Byte.toUnsignedInt(each);
        }
        octal(header, 148, 7, sum);
        writeFully(ByteBuffer.wrap(header));
    }

    private static long id(int id) throws IOException {
        long number = Integer.toUnsignedLong(id);
        if (number >= 1L << 21) {
            throw new IOException("an archive can't hold a file of user or group " + number);
        }
        return number;
    }

    /** Ends with NUL. */
    private static void octal(byte[] header, int at, int width, long value) {
        text(header, at, String.format("%0" + (width - 1) + "o", value));
    }

    private static void text(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    private void pad(long size) throws IOException {
        writeFully(ByteBuffer.allocate((int) (-size & (BLOCK - 1))));
    }

    private void writeFully(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /** Two empty blocks are the end of an archive. */
    @Override
    public void close() throws IOException {
        try (out) {
            writeFully(ByteBuffer.allocate(2 * BLOCK));
        }
    }
}
