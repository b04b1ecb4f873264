package io.decamp.transfer.engine.send;

import io.decamp.contracts.port.Segment;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Maps segment files and keeps the mappings, as the introspector uses the same few files again and again and mapping
 * one
 * anew costs a page fault for every 64 KiB. A file that was replaced under its name is noticed. Not thread safe.
 */
final class MappedSegments implements AutoCloseable {
    /** Files that stay mapped; the introspector alternates between two or three. */
    private static final int MAX_FILES = 8;

    private record Mapping(Object fileKey, MemorySegment bytes, Arena arena) {}

    private final Map<Path, Mapping> mappings = new LinkedHashMap<>(16, 0.75f, true);

    /** The bytes of the segment, in place. Valid until {@link #close}, or until other files have pushed it out. */
    ByteBuffer map(Segment segment) throws IOException {
        BasicFileAttributes now = Files.readAttributes(segment.file(), BasicFileAttributes.class);
        Mapping mapping = mappings.get(segment.file());
        long end = Math.addExact(segment.offset(), segment.length());
        if (now.size() < end) {
            throw new IOException("segment file has " + now.size() + " bytes, the segment ends at " + end);
        }
        if (mapping == null
                || !mapping.fileKey.equals(now.fileKey())
                || mapping.bytes.byteSize() < end) {
            mapping = remap(segment.file(), mapping);
        }
        return mapping.bytes.asSlice(segment.offset(), segment.length()).asByteBuffer();
    }

    private Mapping remap(Path file, Mapping old) throws IOException {
        if (old != null) {
            mappings.remove(file);
            old.arena.close();
        }
        if (mappings.size() >= MAX_FILES) {
            Path eldest = mappings.keySet().iterator().next();
            mappings.remove(eldest).arena.close();
        }
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            Mapping mapping =
                    new Mapping(Files.readAttributes(file, BasicFileAttributes.class).fileKey(), bytes, arena);
            mappings.put(file, mapping);
            return mapping;
        } catch (IOException e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public void close() {
        mappings.values().forEach(m -> m.arena.close());
        mappings.clear();
    }
}
