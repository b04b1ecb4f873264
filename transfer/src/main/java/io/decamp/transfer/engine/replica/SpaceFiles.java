package io.decamp.transfer.engine.replica;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.page.FrameDescriptor;
import io.decamp.contracts.page.FrameException;
import io.decamp.contracts.page.PageRuns;
import io.decamp.linux.file.SparseFile;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;

/**
 * The memory of a replica: a sparse file for each address space, whose file offset is the virtual address. A hole is a
 * zero page. Remembers which spaces were dropped, as their ids must not come back. Written by one thread; {@link
 * #reserve}
 * and {@link #allocatedBytes} may come from another.
 */
final class SpaceFiles implements AutoCloseable {
    private static final String PREFIX = "space-";

    /** A workload that starts more processes than this in one generation needs a new one; 8 bytes each are kept. */
    private static final int MAX_DROPPED = 1 << 20;

    private static final int COPY_BYTES = 256 << 10;
    private static final MemorySegment ZERO_PAGE = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(PageRuns.PAGE_BYTES));

    private final Path directory;
    private final Map<Long, SparseFile> files = new ConcurrentHashMap<>();
    private final Set<Long> dropped = new HashSet<>();
    private final ByteBuffer copyBuffer = ByteBuffer.allocateDirect(COPY_BYTES);
    private final MemorySegment copyMemory = MemorySegment.ofBuffer(copyBuffer);
    private long lastId;
    private SparseFile lastFile;

    SpaceFiles(Path directory) throws IOException {
        this.directory = directory;
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, PREFIX + "*")) {
            for (Path file : found) {
                long id = Long.parseLong(file.getFileName().toString().substring(PREFIX.length()));
                files.put(id, SparseFile.open(file, FrameDescriptor.USER_SPACE_BYTES));
            }
        }
        Path record = droppedRecord();
        if (Files.exists(record)) {
            ByteBuffer ids = ByteBuffer.wrap(Files.readAllBytes(record)).order(ByteOrder.LITTLE_ENDIAN);
            while (ids.remaining() >= Long.BYTES) {
                dropped.add(ids.getLong());
            }
        }
    }

    private Path droppedRecord() {
        return directory.resolve("dropped");
    }

    boolean exists(long id) {
        return files.containsKey(id);
    }

    /** The file of a space, made now when there is none. */
    SparseFile file(long id) throws IOException {
        if (id == lastId) {
            return lastFile;
        }
        SparseFile file = files.get(id);
        if (file == null) {
            file = create(id);
        }
        lastId = id;
        lastFile = file;
        return file;
    }

    private SparseFile create(long id) throws IOException {
        if (dropped.contains(id)) {
            throw DecampException.refused(
                    "space-reused",
                    "Address space " + id + " had ended and cannot come back",
                    "Ids are not reused within a generation; start a new generation");
        }
        if (files.size() >= FrameDescriptor.MAX_SPACES || dropped.size() >= MAX_DROPPED) {
            throw DecampException.refused(
                    "too-many-spaces",
                    "The replica has " + files.size() + " address spaces, and " + dropped.size() + " have ended",
                    "Start a new generation, or split the workload into smaller containers");
        }
        SparseFile file = SparseFile.open(directory.resolve(PREFIX + id), FrameDescriptor.USER_SPACE_BYTES);
        files.put(id, file);
        return file;
    }

    void write(long id, long address, ByteBuffer bytes) throws IOException {
        SparseFile file = file(id);
        long at = address;
        while (bytes.hasRemaining()) {
            at += file.channel().write(bytes, at);
        }
    }

    void punch(long id, long address, long lengthBytes) throws IOException {
        file(id).punchHole(address, lengthBytes);
    }

    /** Fills {@code into} with what a space has. */
    void read(long id, long address, ByteBuffer into) throws IOException {
        SparseFile file = files.get(id);
        if (file == null) {
            throw FrameException.base("Address space " + id + ", of which pages are to be changed, is not known");
        }
        int start = into.position();
        while (into.hasRemaining()) {
            if (file.channel().read(into, address + into.position() - start) < 0) {
                throw new EOFException(file.path() + " ends at 0x" + Long.toHexString(address));
            }
        }
    }

    /** Makes a range of {@code id} what the same range of {@code from} is; zero pages become holes. */
    void copy(long from, long id, long address, long lengthBytes) throws IOException {
        SparseFile source = files.get(from);
        if (source == null) {
            throw DecampException.retry(
                    "space-unknown",
                    "Address space " + from + ", which others are to be copied from, is not known",
                    "Send its pages before those that refer to them",
                    null);
        }
        SparseFile target = file(id);
        for (long done = 0; done < lengthBytes; ) {
            int bytes = readForCopy(source, address + done, lengthBytes - done);
            for (int at = 0; at < bytes; ) {
                boolean zero = isZero(at);
                int end = endOfAlike(at, bytes, zero);
                if (zero) {
                    target.punchHole(address + done + at, end - at);
                } else {
                    write(id, address + done + at, copyBuffer.limit(end).position(at));
                }
                at = end;
            }
            done += bytes;
        }
    }

    /** Gives back what {@link #reserve} took and nobody wrote: a page of zeros is the same as a hole. */
    void trim(long id, long address, long lengthBytes) throws IOException {
        SparseFile file = files.get(id);
        for (long done = 0; file != null && done < lengthBytes; ) {
            int bytes = readForCopy(file, address + done, lengthBytes - done);
            for (int at = 0; at < bytes; ) {
                boolean zero = isZero(at);
                int end = endOfAlike(at, bytes, zero);
                if (zero) {
                    file.punchHole(address + done + at, end - at);
                }
                at = end;
            }
            done += bytes;
        }
    }

    private int readForCopy(SparseFile from, long address, long atMost) throws IOException {
        copyBuffer.clear().limit((int) Math.min(COPY_BYTES, atMost));
        while (copyBuffer.hasRemaining()) {
            if (from.channel().read(copyBuffer, address + copyBuffer.position()) < 0) {
                throw new EOFException(from.path() + " ends at 0x" + Long.toHexString(address));
            }
        }
        return copyBuffer.position();
    }

    private int endOfAlike(int at, int bytes, boolean zero) {
        int end = at + PageRuns.PAGE_BYTES;
        while (end < bytes && isZero(end) == zero) {
            end += PageRuns.PAGE_BYTES;
        }
        return end;
    }

    private boolean isZero(int at) {
        return MemorySegment.mismatch(
                        copyMemory, at, at + PageRuns.PAGE_BYTES, ZERO_PAGE, 0, PageRuns.PAGE_BYTES)
                < 0;
    }

    /** Gets memory for a range of an existing space; nothing happens for one that is not there. */
    void reserve(long id, long address, long lengthBytes) throws IOException {
        SparseFile file = files.get(id);
        if (file != null) {
            file.reserve(address, lengthBytes);
        }
    }

    long allocatedBytes() throws IOException {
        long sum = 0;
        for (SparseFile file : files.values()) {
            sum += file.allocatedBytes();
        }
        return sum;
    }

    /** Forgets spaces for good: their processes have ended. Safe to repeat. */
    void drop(LongPredicate alive) throws IOException {
        List<Long> ended = ended(alive);
        if (ended.isEmpty()) {
            return;
        }
        ByteBuffer ids = ByteBuffer.allocate(ended.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        ended.forEach(ids::putLong);
        Files.write(droppedRecord(), ids.array(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        dropped.addAll(ended);
        delete(ended);
    }

    /** Forgets spaces as if they had never come: their epoch was not sealed. */
    void discard(LongPredicate sealed) throws IOException {
        delete(ended(sealed));
    }

    private List<Long> ended(LongPredicate alive) {
        List<Long> ended = new ArrayList<>();
        for (long id : files.keySet()) {
            if (!alive.test(id)) {
                ended.add(id);
            }
        }
        return ended;
    }

    private void delete(List<Long> ids) throws IOException {
        lastId = 0;
        lastFile = null;
        for (Long id : ids) {
            SparseFile file = files.remove(id);
            giveBack(file);
            Files.deleteIfExists(file.path());
            file.close();
        }
    }

    /** Gives the memory of all files back, whoever else has them open. */
    void giveBack() throws IOException {
        for (SparseFile file : files.values()) {
            giveBack(file);
        }
    }

    /** A VM that waits for the workload may have the file open as a disk, and would keep its memory. */
    private static void giveBack(SparseFile file) throws IOException {
        file.punchHole(0, FrameDescriptor.USER_SPACE_BYTES);
    }

    @Override
    public void close() throws IOException {
        lastId = 0;
        lastFile = null;
        for (SparseFile file : files.values()) {
            file.close();
        }
        files.clear();
    }
}
