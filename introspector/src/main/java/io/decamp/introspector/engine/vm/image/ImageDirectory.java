package io.decamp.introspector.engine.vm.image;

import com.google.protobuf.MessageLite;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.port.WorkloadRuntime.Part;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parts of one save: CRIU images and whatever travels beside them, one file each. Remembers what was written, so
 * that a part is neither forgotten nor written twice. One thread.
 */
public final class ImageDirectory {
    private final Path directory;
    private final Map<String, ImageWriter> writers = new LinkedHashMap<>();

    /** @param directory exists, on a memory file system */
    public ImageDirectory(Path directory) {
        this.directory = directory;
    }

    /** Starts an image whose kind exists once. Close it before {@link #parts()}. */
    public ImageWriter open(ImageFile type) {
        if (type.isNumbered()) {
            throw new IllegalArgumentException(type + " has a number");
        }
        return open(type, type.fileName(0));
    }

    /** Starts the image of {@code type} that has this number in its name. */
    public ImageWriter open(ImageFile type, int id) {
        return open(type, type.fileName(id));
    }

    /** Starts a part that is not an image: raw bytes only. @param name unique, without a path */
    public ImageWriter open(String name) {
        return open(ImageFile.PAGES, name);
    }

    private ImageWriter open(ImageFile type, String name) {
        if (writers.containsKey(name)) {
            throw new IllegalStateException(name + " is written a second time");
        }
        ImageWriter writer = new ImageWriter(directory.resolve(name), type);
        writers.put(name, writer);
        return writer;
    }

    /** Writes a whole image of a kind that exists once. */
    public void write(ImageFile type, List<? extends MessageLite> messages) {
        try (ImageWriter writer = open(type)) {
            messages.forEach(writer::message);
        }
    }

    /** Writes a whole image with a number in its name. */
    public void write(ImageFile type, int id, List<? extends MessageLite> messages) {
        try (ImageWriter writer = open(type, id)) {
            messages.forEach(writer::message);
        }
    }

    /** Writes a whole image of one message. */
    public void write(ImageFile type, int id, MessageLite message) {
        write(type, id, List.of(message));
    }

    /**
     * What was written, in that order.
     *
     * @throws DecampException {@code image-io} if a file is not as long as what was written into it
     */
    public List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        for (Map.Entry<String, ImageWriter> entry : writers.entrySet()) {
            entry.getValue().close();
            Path file = directory.resolve(entry.getKey());
            parts.add(new Part(entry.getKey(), file, checkedSize(file, entry.getValue().size())));
        }
        return parts;
    }

    private static long checkedSize(Path file, long expected) {
        try {
            long size = Files.size(file);
            if (size != expected) {
                throw failed(file + " has " + size + " bytes instead of the " + expected + " that were written", null);
            }
            return size;
        } catch (IOException e) {
            throw failed("Can't read " + file, e);
        }
    }

    private static DecampException failed(String what, IOException cause) {
        return DecampException.abort("image-io", what, "Nobody else may write into the directory of a save", cause);
    }
}
