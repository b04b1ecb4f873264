package io.decamp.transfer.engine.send;

import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.v1.Part;
import io.decamp.transfer.engine.wire.FrameOutput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/** Sends files as parts of an epoch, in chunks. Not thread safe. */
final class PartSender {
    /** The file is at fault, not the connection. */
    static final class UnreadableException extends IOException {
        private static final long serialVersionUID = 1;

        UnreadableException(String message, IOException cause) {
            super(message, cause);
        }
    }

    private final FrameOutput out;
    private final TokenBucket cap;
    private final RunSender.PeerCheck peer;
    private final ByteBuffer chunk = ByteBuffer.allocateDirect(FrameDescriptor.MAX_PAYLOAD_BYTES);
    private final CRC32C crc = new CRC32C();

    PartSender(FrameOutput out, TokenBucket cap, RunSender.PeerCheck peer) {
        this.out = out;
        this.cap = cap;
        this.peer = peer;
    }

    Part send(long epoch, String name, Path file) throws IOException {
        crc.reset();
        try (FileChannel from = open(file)) {
            long size = from.size();
            long offset = 0;
            do {
                read(from, file, offset, (int) Math.min(chunk.capacity(), size - offset));
                crc.update(chunk);
                chunk.rewind();
                int bytes = chunk.remaining();
                cap.await(bytes);
                peer.check();
                out.write(epoch, new ControlFrame.PartChunk(name, size, offset), chunk, (int) crc.getValue());
                offset += bytes;
            } while (offset < size);
            return Part.newBuilder()
                    .setName(name)
                    .setSize(size)
                    .setCrc32C((int) crc.getValue())
                    .build();
        }
    }

    private static FileChannel open(Path file) throws UnreadableException {
        try {
            return FileChannel.open(file, StandardOpenOption.READ);
        } catch (IOException e) {
            throw new UnreadableException("Cannot open the part " + file, e);
        }
    }

    private void read(FileChannel from, Path file, long offset, int bytes) throws UnreadableException {
        chunk.clear().limit(bytes);
        try {
            while (chunk.hasRemaining()) {
                if (from.read(chunk, offset + chunk.position()) < 0) {
                    throw new IOException("ends at " + (offset + chunk.position()) + ", it was longer before");
                }
            }
            chunk.flip();
        } catch (IOException e) {
            throw new UnreadableException("Cannot read " + bytes + " bytes at " + offset + " of the part " + file, e);
        }
    }
}
