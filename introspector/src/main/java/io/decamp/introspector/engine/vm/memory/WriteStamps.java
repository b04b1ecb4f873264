package io.decamp.introspector.engine.vm.memory;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.pid.ProcessIdentity;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One number per page of a VM's memory, in a file on tmpfs that outlives the service. Numbers grow; 1 is that of a
 * fresh file, so that whoever has seen 0 has seen nothing. Written by one thread at a time.
 */
final class WriteStamps implements AutoCloseable {
    private static final long MAGIC = 0x3130_5053_4d56_4344L;
    private static final long MAGIC_AT = 0;
    private static final long ID_AT = 8;
    private static final long PID_AT = 16;
    private static final long START_AT = 24;
    private static final long ADDRESS_AT = 32;
    private static final long BYTES_AT = 40;
    private static final long NUMBER_AT = 48;
    private static final long SCANNING_AT = 56;
    private static final long HEADER_BYTES = 4096;

    /** At 1,000 refreshes a second, reached after 24 days. */
    private static final int NUMBER_LIMIT = Integer.MAX_VALUE;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final long pages;

    private WriteStamps(Path file, long bytes) throws IOException {
        this.pages = bytes / RamTracking.PAGE_BYTES;
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            memory = channel.map(
                    FileChannel.MapMode.READ_WRITE, 0, HEADER_BYTES + pages * Integer.BYTES, arena);
        }
    }

    static WriteStamps create(Path file, ProcessIdentity qemu, long address, long bytes) {
        try {
            Files.deleteIfExists(file);
            WriteStamps fresh = new WriteStamps(file, bytes);
            fresh.header(ID_AT, System.currentTimeMillis() << 20 ^ System.nanoTime() & 0xfffff);
            fresh.header(PID_AT, qemu.pid());
            fresh.header(START_AT, qemu.startTicks());
            fresh.header(ADDRESS_AT, address);
            fresh.header(BYTES_AT, bytes);
            fresh.header(NUMBER_AT, 1);
            fresh.set(0, fresh.pages, 1);
            VarHandle.fullFence();
            fresh.header(MAGIC_AT, MAGIC);
            return fresh;
        } catch (IOException e) {
            throw unusable(file, e);
        }
    }

    /** @return empty when the file is that of another process or mapping, or of none */
    static Optional<WriteStamps> resume(Path file, ProcessIdentity qemu, long address, long bytes) {
        try {
            if (Files.notExists(file)
                    || Files.size(file) != HEADER_BYTES + bytes / RamTracking.PAGE_BYTES * Integer.BYTES) {
                return Optional.empty();
            }
            WriteStamps found = new WriteStamps(file, bytes);
            boolean same = found.header(MAGIC_AT) == MAGIC
                    && found.header(PID_AT) == qemu.pid()
                    && found.header(START_AT) == qemu.startTicks()
                    && found.header(ADDRESS_AT) == address
                    && found.header(BYTES_AT) == bytes;
            if (!same) {
                found.close();
                return Optional.empty();
            }
            return Optional.of(found);
        } catch (IOException e) {
            throw unusable(file, e);
        }
    }

    long id() {
        return header(ID_AT);
    }

    long pages() {
        return pages;
    }

    int get(long page) {
        return memory.get(ValueLayout.JAVA_INT, HEADER_BYTES + page * Integer.BYTES);
    }

    void set(long from, long to, int number) {
        for (long page = from; page < to; page++) {
            memory.set(ValueLayout.JAVA_INT, HEADER_BYTES + page * Integer.BYTES, number);
        }
    }

    /** Until {@link #end}, what the kernel has forgotten may not be written here. @return the next number */
    int begin() {
        long number = header(NUMBER_AT) + 1;
        if (number > NUMBER_LIMIT) {
            throw DecampException.abort(
                    "tracking-worn-out",
                    "The memory of this VM was looked at " + NUMBER_LIMIT + " times, more can't be counted",
                    "Unprotect all workloads of the VM and protect them anew",
                    null);
        }
        header(NUMBER_AT, number);
        header(SCANNING_AT, 1);
        VarHandle.fullFence();
        return (int) number;
    }

    /**
     * A refresh died or failed: bits may have been cleared that nobody wrote down, and every page counts as written.
     */
    boolean isUnfinished() {
        return header(SCANNING_AT) != 0;
    }

    void end() {
        VarHandle.fullFence();
        header(SCANNING_AT, 0);
    }

    private long header(long at) {
        return memory.get(ValueLayout.JAVA_LONG, at);
    }

    private void header(long at, long value) {
        memory.set(ValueLayout.JAVA_LONG, at, value);
    }

    @Override
    public void close() {
        arena.close();
    }

    /** Everything that tracking of a VM has written down. */
    static void delete(Path directory) {
        if (Files.notExists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw unusable(directory, e);
        }
    }

    static DecampException unusable(Path path, IOException cause) {
        return DecampException.abort(
                "memory-directory-unusable",
                "Tracking of a VM can't be written down in " + path,
                "Check that the memory directory is on tmpfs, writable and not full",
                cause);
    }
}
