package io.decamp.restorer.engine.lazy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.abi.UffdAbi;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * What has happened to one address space, so that a successor knows it: a snapshot of its {@link ServedMap} and the
 * userfaultfd messages read since. The kernel writes the messages straight into it, as the workload goes on the moment
 * a message has been read: there is no point in time at which only this process knows of it.
 *
 * <p>Messages that are only faults are wiped again: a thread whose fault was read but not answered is woken by the
 * successor and faults anew. Owned by one thread at a time.
 */
final class SpaceJournal implements AutoCloseable {
    /** Messages that one read may return; a batch is handled before the next is read. */
    static final int READ_BATCH = 64;

    private static final int MESSAGE_BYTES = UffdAbi.MESSAGE_BYTES;

    private final Path file;
    private final int space;
    private final int containerPid;
    private Arena arena;
    private MemorySegment memory;
    private long generation;
    private long logOffset;
    private int tail;

    private SpaceJournal(Path file, int space, int containerPid) {
        this.file = file;
        this.space = space;
        this.containerPid = containerPid;
    }

    /** Starts a journal whose snapshot is {@code map}. */
    static SpaceJournal create(Path file, int space, int containerPid, ServedMap map) {
        SpaceJournal journal = new SpaceJournal(file, space, containerPid);
        journal.snapshot(map, 1);
        return journal;
    }

    /**
     * Opens what a predecessor has left.
     *
     * @throws DecampException {@code lazy-journal-bad}: it can't be trusted
     */
    static SpaceJournal open(Path file) {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment memory = map(file, arena);
            if (memory.byteSize() < JournalLayout.EXTENTS || memory.get(JAVA_LONG, JournalLayout.AT_MAGIC) != JournalLayout.MAGIC) {
                throw bad(file, "no magic");
            }
            long extents = memory.get(JAVA_LONG, JournalLayout.AT_EXTENTS);
            if (extents < 0
                    || extents > memory.byteSize() / JournalLayout.EXTENT_BYTES
                    || memory.byteSize() != JournalLayout.fileBytes(extents, MESSAGE_BYTES)) {
                throw bad(file, extents + " extents in " + memory.byteSize() + " bytes");
            }
            SpaceJournal journal = new SpaceJournal(
                    file, memory.get(JAVA_INT, JournalLayout.AT_SPACE), memory.get(JAVA_INT, JournalLayout.AT_PID));
            journal.use(arena, memory);
            while (journal.tail < JournalLayout.LOG_MESSAGES && journal.event(journal.tail) != 0) {
                journal.tail++;
            }
            return journal;
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    int space() {
        return space;
    }

    int containerPid() {
        return containerPid;
    }

    /** Grows with each snapshot; with a message's number it names the message for ever. */
    long generation() {
        return generation;
    }

    /** Messages in the log. */
    int size() {
        return tail;
    }

    /** The map as of the snapshot, before the messages in the log. */
    ServedMap snapshotMap() {
        ServedMap map = new ServedMap();
        long extents = memory.get(JAVA_LONG, JournalLayout.AT_EXTENTS);
        for (long i = 0; i < extents; i++) {
            long at = JournalLayout.EXTENTS + i * JournalLayout.EXTENT_BYTES;
            map.put(new ServedMap.Extent(
                    memory.get(JAVA_LONG, at + JournalLayout.AT_START),
                    memory.get(JAVA_LONG, at + JournalLayout.AT_END),
                    memory.get(JAVA_LONG, at + JournalLayout.AT_ORIGIN)));
        }
        return map;
    }

    /** Where the next read may store up to {@link #READ_BATCH} messages. */
    long readAddress() {
        return memory.address() + messageOffset(tail);
    }

    MemorySegment memory() {
        return memory;
    }

    /** In {@link #memory()}. */
    long messageOffset(int message) {
        return logOffset + (long) message * MESSAGE_BYTES;
    }

    int event(int message) {
        return memory.get(JAVA_BYTE, messageOffset(message) + JournalLayout.AT_EVENT) & 0xff;
    }

    boolean isHandled(int message) {
        return memory.get(JAVA_BYTE, messageOffset(message) + JournalLayout.AT_HANDLED) != 0;
    }

    /** A fork whose child is in the keeper, or needs nothing. */
    void handled(int message) {
        memory.set(JAVA_BYTE, messageOffset(message) + JournalLayout.AT_HANDLED, (byte) 1);
    }

    /** The messages at the tail have been handled and change the map. */
    void keep(int messages) {
        tail += messages;
    }

    /** The messages at the tail are faults. */
    void wipe(int messages) {
        memory.asSlice(messageOffset(tail), (long) messages * MESSAGE_BYTES).fill((byte) 0);
    }

    /** No room for another batch: {@link #snapshot} comes first. */
    boolean isFull() {
        return tail + READ_BATCH > JournalLayout.LOG_MESSAGES;
    }

    /** Replaces snapshot and log by {@code map}, at once. */
    void snapshot(ServedMap map) {
        snapshot(map, generation + 1);
    }

    private void snapshot(ServedMap map, long newGeneration) {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Arena freshArena = Arena.ofShared();
        try {
            // written, not only extended: a full tmpfs has to be an error here and not a SIGBUS later
            Files.write(fresh, new byte[Math.toIntExact(JournalLayout.fileBytes(map.size(), MESSAGE_BYTES))]);
            MemorySegment written = map(fresh, freshArena);
            written.set(JAVA_LONG, JournalLayout.AT_GENERATION, newGeneration);
            written.set(JAVA_INT, JournalLayout.AT_SPACE, space);
            written.set(JAVA_INT, JournalLayout.AT_PID, containerPid);
            written.set(JAVA_LONG, JournalLayout.AT_EXTENTS, map.size());
            long[] at = {JournalLayout.EXTENTS};
            map.forEach(extent -> {
                written.set(JAVA_LONG, at[0] + JournalLayout.AT_START, extent.start());
                written.set(JAVA_LONG, at[0] + JournalLayout.AT_END, extent.end());
                written.set(JAVA_LONG, at[0] + JournalLayout.AT_ORIGIN, extent.origin());
                at[0] += JournalLayout.EXTENT_BYTES;
            });
            // touches every page: a message must not be lost because the kernel could not fault its destination in
            written.asSlice(JournalLayout.logOffset(map.size())).fill((byte) 0);
            written.set(JAVA_LONG, JournalLayout.AT_MAGIC, JournalLayout.MAGIC);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            close();
            use(freshArena, written);
        } catch (IOException e) {
            freshArena.close();
            throw io("Can't write " + file, e);
        }
    }

    private void use(Arena newArena, MemorySegment newMemory) {
        arena = newArena;
        memory = newMemory;
        generation = newMemory.get(JAVA_LONG, JournalLayout.AT_GENERATION);
        logOffset = JournalLayout.logOffset(newMemory.get(JAVA_LONG, JournalLayout.AT_EXTENTS));
        tail = 0;
    }

    /** The address space is gone or complete. */
    void delete() {
        close();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw io("Can't delete " + file, e);
        }
    }

    /** Leaves the file for a successor. */
    @Override
    public void close() {
        if (arena != null) {
            arena.close();
            arena = null;
        }
    }

    private static MemorySegment map(Path file, Arena arena) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size(), arena);
        } catch (IOException e) {
            throw io("Can't map " + file, e);
        }
    }

    private static DecampException bad(Path file, String found) {
        return DecampException.fatal(
                "lazy-journal-bad",
                file + " is not a page server's journal: " + found,
                "The copy's memory can't be told any more; keep it frozen and restore it from another copy",
                null);
    }

    private static DecampException io(String what, IOException cause) {
        return DecampException.abort("lazy-journal-io", what, "Make room in the node's memory directory", cause);
    }
}
