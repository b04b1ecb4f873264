package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The virtio-serial port that carries files, 20 MB a second by TCG. One file at a time, of known length, without framing. */
final class GuestFiles implements AutoCloseable {
    private static final int CHUNK = 1 << 16;

    private final SocketChannel channel;

    private GuestFiles(SocketChannel channel) {
        this.channel = channel;
    }

    static GuestFiles connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            return new GuestFiles(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    void write(Path file) throws IOException {
        try (FileChannel from = FileChannel.open(file)) {
            from.transferTo(0, from.size(), channel);
        }
    }

    void read(Path file, long bytes) throws IOException {
        try (FileChannel to = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            var chunk = ByteBuffer.allocateDirect(CHUNK);
            for (long done = 0; done < bytes; ) {
                chunk.clear().limit((int) Math.min(CHUNK, bytes - done));
                int n = channel.read(chunk);
                if (n < 0) {
                    throw DecampException.abort("guest-gone", "The guest's data port is closed", "Did QEMU end?", null);
                }
                chunk.flip();
                while (chunk.hasRemaining()) {
                    to.write(chunk);
                }
                done += n;
            }
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
