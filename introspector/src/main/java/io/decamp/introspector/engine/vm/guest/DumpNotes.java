package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Notes of a 64-bit little-endian ELF file: {@code Elf64_Ehdr}, {@code Elf64_Phdr}, {@code Elf64_Nhdr} of elf.h. QEMU
 * writes it, with notes which it took from the guest: both are checked.
 */
final class DumpNotes {
    private static final int MAGIC = 0x464c457f;
    private static final int CLASS_AND_ORDER = 0x0102;
    private static final int PT_NOTE = 4;
    private static final int EHDR_BYTES = 64;
    private static final int PHDR_BYTES = 56;
    private static final int NHDR_BYTES = 12;

    private final ByteBuffer elf;

    DumpNotes(byte[] bytes) {
        elf = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < EHDR_BYTES || elf.getInt(0) != MAGIC || elf.getShort(4) != CLASS_AND_ORDER) {
            throw GuestFault.format("QEMU's dump is not a 64-bit ELF file");
        }
    }

    /** @return the content of the first note of that name as text up to its first zero byte */
    Optional<String> text(String name, int maxBytes) {
        long headers = elf.getLong(32);
        int count = elf.getShort(56) & 0xffff;
        for (int i = 0; i < count; i++) {
            int header = within(headers + (long) i * PHDR_BYTES, PHDR_BYTES);
            if (elf.getInt(header) == PT_NOTE) {
                int start = within(elf.getLong(header + 8), elf.getLong(header + 32));
                Optional<String> found = search(start, start + (int) elf.getLong(header + 32), name, maxBytes);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private Optional<String> search(int from, int end, String name, int maxBytes) {
        int at = from;
        while (end - at >= NHDR_BYTES) {
            long nameBytes = elf.getInt(at) & 0xffff_ffffL;
            long textBytes = elf.getInt(at + 4) & 0xffff_ffffL;
            int nameAt = within(at + NHDR_BYTES, align(nameBytes));
            int textAt = within(nameAt + align(nameBytes), textBytes);
            if (string(nameAt, nameBytes).equals(name)) {
                if (textBytes > maxBytes) {
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
