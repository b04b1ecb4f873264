package io.decamp.restorer.engine.handoff;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Small files that are either whole or not there. Errors are {@code handoff-files}. */
final class HandoffFiles {
    private static final String NEXT = ".next";

    private final Path directory;
    private final boolean durable;

    /** @param durable survives a loss of power, not only the end of this process */
    HandoffFiles(Path directory, boolean durable) {
        this.directory = directory;
        this.durable = durable;
    }

    /** Does the slow half of a later {@link #write} of the same bytes. */
    void stage(String name, byte[] content) {
        try {
            Files.createDirectories(directory);
            try (FileChannel file = FileChannel.open(
                    directory.resolve(name + NEXT),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(content);
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
                if (durable) {
                    file.force(true);
                }
            }
        } catch (IOException e) {
            throw failed("write", name, e);
        }
    }

    /** Returns when the file is there, whole. */
    void write(String name, byte[] content) {
        Path next = directory.resolve(name + NEXT);
        try {
            if (!Files.exists(next) || !Arrays.equals(Files.readAllBytes(next), content)) {
                stage(name, content);
            } else if (durable) {
                // a stage that a crash cut short may have written all and forced nothing
                force(next);
            }
            Files.move(
                    next,
                    directory.resolve(name),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            forceDirectory();
        } catch (IOException e) {
            throw failed("write", name, e);
        }
    }

    Optional<byte[]> read(String name) {
        try {
            return Optional.of(Files.readAllBytes(directory.resolve(name)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    void delete(String name) {
        try {
            if (Files.deleteIfExists(directory.resolve(name))) {
                forceDirectory();
            }
        } catch (IOException e) {
            throw failed("delete", name, e);
        }
    }

    /** Names of what is there. */
    List<String> names() {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(f -> f.getFileName().toString())
                    .filter(n -> !n.endsWith(NEXT))
                    .toList();
        } catch (IOException e) {
            throw failed("list", "", e);
        }
    }

    private void forceDirectory() throws IOException {
        if (durable) {
            force(directory);
        }
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private DecampException failed(String verb, String name, IOException e) {
        return DecampException.retry(
                "handoff-files",
                "Cannot " + verb + " " + directory.resolve(name),
                "Is the disk full or read-only? It is tried again until it works",
                e);
    }
}
