package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SyscallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * The only way into a guest's memory: single aligned words of 4 or 8 bytes, each for a named purpose, counted, and in
 * the log at debug level. Addresses come from the guest and are not trusted: what does not translate to its RAM is
 * refused, and within its RAM a hostile guest can have us damage nobody but itself. One thread at a time.
 */
final class GuestWriter implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(GuestWriter.class);

    /** The kernel's name for itself: text that a wrong file does not have there. */
    private static final String WITNESS = "linux_banner";

    private static final int WITNESS_BYTES = 64;

    private final GuestKernel kernel;
    private final FileDescriptor file;
    private final BooleanSupplier paused;
    private final Map<WritePurpose, LongAdder> counts = new EnumMap<>(WritePurpose.class);

    private GuestWriter(GuestKernel kernel, FileDescriptor file, BooleanSupplier paused) {
        this.kernel = kernel;
        this.file = file;
        this.paused = paused;
        for (WritePurpose purpose : WritePurpose.values()) {
            counts.put(purpose, new LongAdder());
        }
    }

    /**
     * @param paused whether we hold the VM paused at this moment
     * @throws DecampException {@code vm-ram-not-writable}: can't be opened, or is not the memory that the kernel is
     *     read from
     */
    static GuestWriter open(GuestKernel kernel, Path ramFile, BooleanSupplier paused) {
        FileDescriptor file;
        try {
            file = FileDescriptor.open(ramFile.toString(), FileAbi.O_RDWR, 0);
        } catch (SyscallException e) {
            throw refused("RAM file " + ramFile + " can't be opened for writing (" + e.getMessage() + ")");
        }
        GuestWriter writer = new GuestWriter(kernel, file, paused);
        try {
            writer.requireSameMemory(ramFile);
            return writer;
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private void requireSameMemory(Path ramFile) {
        long address = kernel.symbol(WITNESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(WITNESS_BYTES);
            long offset = kernel.ram().fileOffset(kernel.physical(address));
            long got = FileCalls.pread(file.number(), bytes.address(), WITNESS_BYTES, offset);
            if (got != WITNESS_BYTES
                    || bytes.mismatch(MemorySegment.ofArray(kernel.bytes(address, WITNESS_BYTES))) != -1) {
                throw refused("RAM file " + ramFile + " is not the memory of this guest");
            }
        }
    }

    void write32(WritePurpose purpose, long address, int value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment word = arena.allocateFrom(ValueLayout.JAVA_INT, value);
            write(purpose, address, word, Integer.toUnsignedLong(value));
        }
    }

    void write64(WritePurpose purpose, long address, long value) {
        try (Arena arena = Arena.ofConfined()) {
            write(purpose, address, arena.allocateFrom(ValueLayout.JAVA_LONG, value), value);
        }
    }

    private void write(WritePurpose purpose, long address, MemorySegment word, long value) {
        long bytes = word.byteSize();
        if (address % bytes != 0) {
            throw new IllegalArgumentException(purpose + " at 0x" + Long.toHexString(address) + " is not aligned");
        }
        if (purpose.isOnlyWhilePaused() && !paused.getAsBoolean()) {
            throw new IllegalStateException(purpose + " while the guest runs");
        }
        long physical = kernel.physical(address);
        if (!kernel.ram().contains(physical, bytes)) {
            throw refused("Guest address 0x" + Long.toHexString(address) + " is not in its RAM");
        }
        long put = FileCalls.pwrite(file.number(), word.address(), bytes, kernel.ram().fileOffset(physical));
        if (put != bytes) {
            throw DecampException.abort(
                    "vm-ram-not-written",
                    "Writing " + bytes + " bytes for " + purpose + " into the RAM file returned " + put,
                    "Is the RAM file a plain file in memory (tmpfs, memfd)? hugetlbfs can't be written this way",
                    null);
        }
        counts.get(purpose).increment();
        LOG.debugf("%s: 0x%x = 0x%x", purpose, address, value);
    }

    /** Words written so far for the purpose. */
    long count(WritePurpose purpose) {
        return counts.get(purpose).sum();
    }

    private static DecampException refused(String message) {
        return DecampException.refused(
                "vm-ram-not-writable", message, "Register the VM with the RAM file that QEMU maps, share=on");
    }

    @Override
    public void close() {
        file.close();
    }
}
