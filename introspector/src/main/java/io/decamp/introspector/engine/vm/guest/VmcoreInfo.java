package io.decamp.introspector.engine.vm.guest;

import static io.decamp.introspector.engine.vm.guest.GuestFault.hex;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What the kernel says of itself for crash dumps: where its symbol table is, how far it was moved, how its page tables
 * are made. The guest wrote it, so it is as untrusted as all its memory.
 *
 * <p>Source: {@code Documentation/admin-guide/kdump/vmcoreinfo.rst}, {@code kernel/crash_core.c}.
 */
public final class VmcoreInfo {
    /** The kernel keeps it in one page ({@code VMCOREINFO_BYTES}); QEMU and firmware don't make it longer. */
    static final int MAX_BYTES = 1 << 14;
    /** A dump of 4 KiB has a few notes per processor; more than this is none. */
    private static final int MAX_ELF_BYTES = 64 << 20;

    private static final String NOTE = "VMCOREINFO";

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
     * @throws GuestFault when there is no such note: the machine has no {@code -device vmcoreinfo}, or the guest has
     *     not loaded {@code qemu_fw_cfg}
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
                .text(NOTE, MAX_BYTES)
                .orElseThrow(() -> GuestFault.format("QEMU's dump has no note " + NOTE
                        + ": the machine needs -device vmcoreinfo and the guest its module qemu_fw_cfg")));
    }

    /**
     * Looks for it in the RAM file; needs nothing of QEMU. Holes are skipped, so nothing is allocated.
     *
     * @param fits takes a candidate or not: one that an earlier boot left may come first
     */
    public static Optional<VmcoreInfo> scan(Path ramFile, MemoryLayout layout, Predicate<VmcoreInfo> fits)
            throws IOException {
        return RamScan.find(ramFile, layout, text -> candidate(text).filter(fits));
    }

    private static Optional<VmcoreInfo> candidate(String text) {
        try {
            return Optional.of(parse(text));
        } catch (GuestFault e) {
            return Optional.empty();
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

    /** All lines, as they can be parsed again. */
    @Override
    public String toString() {
        return values.entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue() + "\n")
                .sorted()
                .collect(Collectors.joining());
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
}
