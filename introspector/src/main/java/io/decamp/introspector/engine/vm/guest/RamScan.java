package io.decamp.introspector.engine.vm.guest;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.libc.FileCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.function.Function;

/**
 * Looks for VMCOREINFO in what of a RAM file is there. The kernel writes the text at the start of a page, and a copy
 * behind a note's header at the start of another ({@code crash_save_vmcoreinfo_init}): so two words of each page are
 * looked at.
 */
final class RamScan {
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** "OSRELEAS" */
    private static final long START = 0x5341_454c_4552_534fL;
    /** {@code Elf64_Nhdr} and the name "VMCOREINFO", padded. */
    private static final int NOTE_HEADER_BYTES = 24;

    private static final long PAGE = GuestRam.PAGE_BYTES;

    private RamScan() {}

    /** @param take what to make of a text that begins as VMCOREINFO does; empty to look on */
    static <T> Optional<T> find(Path ramFile, MemoryLayout layout, Function<String, Optional<T>> take)
            throws IOException {
        int fd = FileCalls.open(ramFile.toString(), FileAbi.O_RDONLY | FileAbi.O_CLOEXEC, 0);
        try (FileChannel channel = FileChannel.open(ramFile, StandardOpenOption.READ);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return overData(fd, ram, Math.min(ram.byteSize(), layout.fileBytes()), take);
        } catch (InternalError e) {
            throw new GuestFault(GuestFault.Reason.GONE, "RAM file " + ramFile + " got shorter", e);
        } finally {
            FileCalls.close(fd);
        }
    }

    private static <T> Optional<T> overData(
            int fd, MemorySegment ram, long end, Function<String, Optional<T>> take) {
        long at = FileCalls.seekData(fd, 0);
        while (at >= 0 && at < end) {
            long hole = Math.min(end, FileCalls.seekHole(fd, at));
            for (long page = at & -PAGE; page + PAGE <= hole; page += PAGE) {
                for (int skip = 0; skip <= NOTE_HEADER_BYTES; skip += NOTE_HEADER_BYTES) {
                    if (ram.get(U64, page + skip) == START) {
                        Optional<T> taken = take.apply(text(ram, page + skip, hole));
                        if (taken.isPresent()) {
                            return taken;
                        }
                    }
                }
            }
            at = hole < end ? FileCalls.seekData(fd, hole) : -1;
        }
        return Optional.empty();
    }

    private static String text(MemorySegment ram, long from, long hole) {
        byte[] text = ram.asSlice(from, Math.min(VmcoreInfo.MAX_BYTES, hole - from)).toArray(ValueLayout.JAVA_BYTE);
        int length = 0;
        while (length < text.length && text[length] != 0) {
            length++;
        }
        return new String(text, 0, length, StandardCharsets.US_ASCII);
    }
}
