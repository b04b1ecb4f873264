package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.libc.FileCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the kernel says of itself for crash dumps: where its symbol table is, how far it was moved, how its page tables are
 * made. The guest wrote it, so it is as untrusted as all its memory.
 *
 * <p>Source: {@code Documentation/admin-guide/kdump/vmcoreinfo.rst}, {@code kernel/crash_core.c}.
 */
public final class VmcoreInfo {
    /** The kernel keeps it in one page ({@code VMCOREINFO_BYTES}); QEMU and firmware don't make it longer. */
    static final int MAX_BYTES = 1 << 14;
    /** A dump of 4 KiB has a few notes per processor; more than this is none. */
    private static final int MAX_ELF_BYTES = 64 << 20;

    private static final String NOTE = "VMCOREINFO";
    private static final byte[] START = "OSRELEASE=".getBytes(StandardCharsets.US_ASCII);
    private static final int SCAN_BYTES = 4 << 20;

    private final Map<String, String> values;

    private VmcoreInfo(Map<String, String> values) {
        this.values = values;
    }

    /** @throws GuestFault when a line that every reader needs is missing */
    public static VmcoreInfo parse(String text) {
        Map<String, String> values = new HashMap<>();
        text.lines().forEach(line -> {
            int equals = line.indexOf('=');
            if (equals > 0) {
                values.put(line.substring(0, equals), line.substring(equals + 1));
            }
        });
        VmcoreInfo info = new VmcoreInfo(values);
        info.release();
        info.physBase();
        info.symbol("swapper_pg_dir");
        info.symbol("kallsyms_num_syms");
        return info;
    }

    /**
     * Takes it from the notes of an ELF file that QEMU wrote ({@code dump-guest-memory} of a few KiB).
     *
     * @throws GuestFault when there is no such note: the machine has no {@code -device vmcoreinfo}, or the guest has not
     *     loaded {@code qemu_fw_cfg}
     */
    public static VmcoreInfo ofDump(Path elf) throws IOException {
        if (Files.size(elf) > MAX_ELF_BYTES) {
            throw GuestFault.format("Dump " + elf + " is larger than " + MAX_ELF_BYTES + " bytes");
        }
        return ofDump(Files.readAllBytes(elf));
    }

    /** The same of the file's content. */
    public static VmcoreInfo ofDump(byte[] elf) {
        return parse(new DumpNotes(elf)
                .text(NOTE)
                .orElseThrow(() -> GuestFault.format("QEMU's dump has no note " + NOTE
                        + ": the machine needs -device vmcoreinfo and the guest its module qemu_fw_cfg")));
    }

    /**
     * Looks for it in the RAM file; needs nothing of QEMU. Holes are skipped, so nothing is allocated. Takes the first that
     * is complete: a stale one of an earlier boot may come before, then attaching refuses it.
     */
    public static Optional<VmcoreInfo> scan(Path ramFile, MemoryLayout layout) throws IOException {
        return scan(ramFile, layout, info -> true);
    }

    /** @param fits takes a candidate, or refuses it by returning false: the search goes on */
    public static Optional<VmcoreInfo> scan(
            Path ramFile, MemoryLayout layout, java.util.function.Predicate<VmcoreInfo> fits) throws IOException {
        int fd = FileCalls.open(ramFile.toString(), FileAbi.O_RDONLY | FileAbi.O_CLOEXEC, 0);
        try (FileChannel channel = FileChannel.open(ramFile, StandardOpenOption.READ)) {
            return new RamScan(fd, channel, Math.min(channel.size(), layout.fileBytes())).find(START, fits);
        } finally {
            FileCalls.close(fd);
        }
    }

    /** {@code uname -r}. */
    public String release() {
        return text("OSRELEASE");
    }

    /** Physical address of the kernel image minus its virtual one at {@code __START_KERNEL_map}. */
    public long physBase() {
        return number("NUMBER(phys_base)");
    }

    /** How far the kernel was moved from where it was linked. */
    public long kernelOffset() {
        return hexNumber("KERNELOFFSET");
    }

    public boolean fiveLevels() {
        return values.containsKey("NUMBER(pgtable_l5_enabled)") && number("NUMBER(pgtable_l5_enabled)") != 0;
    }

    /** Bytes of address space for the kernel image. */
    public long imageBytes() {
        long bytes = values.containsKey("NUMBER(KERNEL_IMAGE_SIZE)") ? number("NUMBER(KERNEL_IMAGE_SIZE)") : 1L << 30;
        if (bytes <= 0 || bytes > 1L << 31) {
            throw GuestFault.format("VMCOREINFO says that the kernel image takes " + hex(bytes) + " bytes");
        }
        return bytes;
    }

    public boolean hasSymbol(String name) {
        return values.containsKey("SYMBOL(" + name + ")");
    }

    public long symbol(String name) {
        return hexNumber("SYMBOL(" + name + ")");
    }

    private String text(String key) {
        String value = values.get(key);
        if (value == null) {
            throw GuestFault.format("VMCOREINFO has no line " + key);
        }
        return value;
    }

    private long number(String key) {
        try {
            return Long.parseLong(text(key));
        } catch (NumberFormatException e) {
            throw GuestFault.format("VMCOREINFO line " + key + " is not a number: " + text(key));
        }
    }

    private long hexNumber(String key) {
        try {
            return Long.parseUnsignedLong(text(key), 16);
        } catch (NumberFormatException e) {
            throw GuestFault.format("VMCOREINFO line " + key + " is not a hexadecimal number: " + text(key));
        }
    }

    /** Notes of a 64-bit little-endian ELF file: {@code Elf64_Ehdr}, {@code Elf64_Phdr}, {@code Elf64_Nhdr} of elf.h. */
    private static final class DumpNotes {
        private static final int PT_NOTE = 4;
        private static final int EHDR_BYTES = 64;
        private static final int PHDR_BYTES = 56;
        private static final int NHDR_BYTES = 12;
        private static final int MAX_HEADERS = 64;

        private final ByteBuffer elf;

        DumpNotes(byte[] bytes) {
            elf = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            if (bytes.length < EHDR_BYTES || elf.getInt(0) != 0x464c457f || bytes[4] != 2 || bytes[5] != 1) {
                throw GuestFault.format("QEMU's dump is not a 64-bit ELF file");
            }
        }

        Optional<String> text(String name) {
            long headers = elf.getLong(32);
            int count = elf.getShort(56) & 0xffff;
            for (int i = 0; i < count && i < MAX_HEADERS; i++) {
                int header = within(headers + (long) i * PHDR_BYTES, PHDR_BYTES);
                if (elf.getInt(header) == PT_NOTE) {
                    int start = within(elf.getLong(header + 8), elf.getLong(header + 32));
                    Optional<String> found = search(start, start + (int) elf.getLong(header + 32), name);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
            return Optional.empty();
        }

        private Optional<String> search(int from, int end, String name) {
            int at = from;
            while (end - at >= NHDR_BYTES) {
                long nameBytes = elf.getInt(at) & 0xffff_ffffL;
                long textBytes = elf.getInt(at + 4) & 0xffff_ffffL;
                int nameAt = within(at + NHDR_BYTES, nameBytes);
                int textAt = within(nameAt + align(nameBytes), textBytes);
                if (string(nameAt, nameBytes).equals(name)) {
                    if (textBytes > MAX_BYTES) {
                        throw GuestFault.format("Note " + name + " has " + textBytes + " bytes");
                    }
                    return Optional.of(string(textAt, textBytes));
                }
                at = within(textAt, 0) + (int) align(textBytes);
            }
            return Optional.empty();
        }

        private static long align(long bytes) {
            return bytes + 3 & -4;
        }

        private String string(int at, long bytes) {
            int length = 0;
            while (length < bytes && elf.get(at + length) != 0) {
                length++;
            }
            return new String(elf.array(), at, length, StandardCharsets.US_ASCII);
        }

        private int within(long offset, long bytes) {
            if (offset < 0 || bytes < 0 || bytes > elf.capacity() || offset > elf.capacity() - bytes) {
                throw GuestFault.format("QEMU's dump ends before " + hex(offset) + " + " + bytes);
            }
            return (int) offset;
        }
    }

    /** Goes over what of a sparse file is there. */
    private record RamScan(int fd, FileChannel channel, long end) {
        Optional<VmcoreInfo> find(byte[] start, java.util.function.Predicate<VmcoreInfo> fits) throws IOException {
            ByteBuffer window = ByteBuffer.allocateDirect(SCAN_BYTES + MAX_BYTES);
            long at = FileCalls.seekData(fd, 0);
            while (at >= 0 && at < end) {
                long hole = Math.min(end, FileCalls.seekHole(fd, at));
                for (; at < hole; at += SCAN_BYTES) {
                    window.clear().limit((int) Math.min(window.capacity(), hole - at));
                    fill(window, at);
                    Optional<VmcoreInfo> found = search(window.flip(), start, fits);
                    if (found.isPresent()) {
                        return found;
                    }
                }
                at = hole < end ? FileCalls.seekData(fd, hole) : -1;
            }
            return Optional.empty();
        }

        private void fill(ByteBuffer window, long at) throws IOException {
            while (window.hasRemaining() && channel.read(window, at + window.position()) > 0) {
                // a short read is gone on with
            }
        }

        private static Optional<VmcoreInfo> search(
                ByteBuffer window, byte[] start, java.util.function.Predicate<VmcoreInfo> fits) {
            int last = Math.min(window.limit(), SCAN_BYTES) - start.length;
            for (int i = 0; i <= last; i++) {
                if (window.get(i) == start[0] && window.get(i + 1) == start[1] && matches(window, i, start)) {
                    Optional<VmcoreInfo> info = candidate(window, i).filter(fits);
                    if (info.isPresent()) {
                        return info;
                    }
                }
            }
            return Optional.empty();
        }

        private static boolean matches(ByteBuffer window, int at, byte[] start) {
            for (int i = 0; i < start.length; i++) {
                if (window.get(at + i) != start[i]) {
                    return false;
                }
            }
            return true;
        }

        private static Optional<VmcoreInfo> candidate(ByteBuffer window, int at) {
            int end = at;
            while (end < window.limit() && end - at < MAX_BYTES && window.get(end) != 0) {
                end++;
            }
            byte[] text = new byte[end - at];
            window.get(at, text);
            try {
                return Optional.of(parse(new String(text, StandardCharsets.US_ASCII)));
            } catch (GuestFault e) {
                return Optional.empty();
            }
        }
    }
}
