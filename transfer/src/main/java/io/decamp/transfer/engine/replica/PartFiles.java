package io.decamp.transfer.engine.replica;

import io.decamp.contracts.page.ControlFrame;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.v1.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * Receives the parts of an epoch into its staging directory, chunk by chunk, one part after the other. Its directory is
 * there from the start of the epoch until the parts have been put in place, which is how a repeated seal knows what is
 * left to do. Not thread safe.
 */
final class PartFiles implements AutoCloseable {
    private static final String PIECE = "(?!\\.{1,2}(/|$))[A-Za-z0-9_.,:@+=-]{1,128}";
    private static final Pattern NAME = Pattern.compile(PIECE + "(/" + PIECE + ")?");

    private final Path staged;
    private final Map<String, Part> complete = new LinkedHashMap<>();
    private final CRC32C crc = new CRC32C();
    private ControlFrame.PartChunk current;
    private long received;
    private FileChannel to;

    PartFiles(Path staged) throws IOException {
        this.staged = staged;
        Trees.delete(staged);
        Files.createDirectories(staged);
    }

    void add(ControlFrame.PartChunk chunk, int runningCrc, ByteBuffer payload) throws IOException {
        if (current == null) {
            start(chunk);
        }
        boolean follows = chunk.name().equals(current.name())
                && chunk.sizeBytes() == current.sizeBytes()
                && chunk.offset() == received;
        int bytes = payload.remaining();
        if (!follows || bytes > current.sizeBytes() - received || (bytes == 0 && current.sizeBytes() > 0)) {
            throw FrameException.malformed(bytes + " bytes at " + chunk.offset() + " of part '" + chunk.name() + "' came where byte "
                    + received + " of part '" + current.name() + "' with " + current.sizeBytes() + " bytes was expected");
        }
        int position = payload.position();
        crc.update(payload);
        if ((int) crc.getValue() != runningCrc) {
            throw FrameException.corrupt("Part '" + chunk.name() + "' does not have its checksum at byte " + (received + bytes));
        }
        payload.position(position);
        while (payload.hasRemaining()) {
            received += to.write(payload);
        }
        if (received == current.sizeBytes()) {
            finish();
        }
    }

    private void start(ControlFrame.PartChunk chunk) throws IOException {
        if (!NAME.matcher(chunk.name()).matches()) {
            throw FrameException.malformed("'" + chunk.name() + "' is not a name of a part");
        }
        if (chunk.sizeBytes() < 0 || complete.containsKey(chunk.name()) || complete.size() == FrameDescriptor.MAX_PARTS) {
            throw FrameException.malformed("Part '" + chunk.name() + "' of " + chunk.sizeBytes()
                    + " bytes cannot follow the " + complete.size() + " that have come");
        }
        Path file = staged.resolve(chunk.name());
        Files.createDirectories(file.getParent());
        to = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        current = chunk;
        received = 0;
        crc.reset();
    }

    private void finish() throws IOException {
        to.close();
        to = null;
        complete.put(
                current.name(),
                Part.newBuilder()
                        .setName(current.name())
                        .setSize(current.sizeBytes())
                        .setCrc32C((int) crc.getValue())
                        .build());
        current = null;
    }

    /** All parts, in the order they came. */
    List<Part> complete() {
        if (current != null) {
            throw FrameException.malformed("The epoch ends at byte " + received + " of part '" + current.name() + "' with "
                    + current.sizeBytes() + " bytes");
        }
        return List.copyOf(complete.values());
    }

    /** Makes the staged parts those of the replica. Safe to repeat. */
    static void putInPlace(Path staged, Path parts, Checkpoints checkpoints) throws IOException {
        if (Files.exists(staged)) {
            Trees.delete(parts);
            checkpoints.reached("parts-deleted");
            Files.move(staged, parts, StandardCopyOption.ATOMIC_MOVE);
            checkpoints.reached("parts-moved");
        }
    }

    @Override
    public void close() throws IOException {
        if (to != null) {
            to.close();
            to = null;
        }
    }
}
