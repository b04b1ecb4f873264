package io.decamp.linux.proc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The {@code VmFlags:} lines of /proc/PID/smaps, fs/proc/task_mmu.c show_smap_vma_flags(): two letters each. smaps is
 * slow (it walks the page tables): for preflight, not for every round.
 *
 * @param start first address of the mapping
 * @param end first address behind it
 * @param flags {@code rd}, {@code wr}, {@code lo} (locked), {@code ht} (huge TLB), {@code uw} (uffd wp) and so on
 */
public record VmFlags(long start, long end, Set<String> flags) {
    /** mlock: criu writes it whole while frozen. */
    public boolean isLocked() {
        return flags.contains("lo");
    }

    public boolean isHugeTlb() {
        return flags.contains("ht");
    }

    /** Registered with a userfaultfd for write protection. */
    public boolean isWriteTracked() {
        return flags.contains("uw");
    }

    /** Registered with a userfaultfd for missing pages: a lazy restore is not complete. */
    public boolean isMissingTracked() {
        return flags.contains("um");
    }

    /** Device memory and the like, whose pages the kernel does not manage. */
    public boolean isIo() {
        return flags.contains("io") || flags.contains("pf");
    }

    /** @return empty when the process is gone */
    public static Optional<List<VmFlags>> ofProcess(int pid) {
        return ProcFs.readIfPresent(pid, "smaps").map(VmFlags::parse);
    }

    public static List<VmFlags> parse(String smaps) {
        List<VmFlags> all = new ArrayList<>();
        Vma vma = null;
        for (String line : smaps.split("\n")) {
            if (line.startsWith("VmFlags:")) {
                if (vma == null) {
                    throw new IllegalArgumentException("VmFlags without a mapping before: " + line);
                }
                all.add(new VmFlags(vma.start(), vma.end(), flags(line)));
                vma = null;
            } else if (isMapping(line)) {
                vma = MapsParser.parseLine(line);
            }
        }
        if (vma != null) {
            throw new IllegalArgumentException("mapping without VmFlags: " + vma);
        }
        return all;
    }

    private static Set<String> flags(String line) {
        String list = line.substring("VmFlags:".length()).trim();
        return list.isEmpty() ? Set.of() : Set.of(list.split(" +"));
    }

    /** Mappings begin with a lower-case hexadecimal number and a dash, the other lines with a capital and a colon. */
    private static boolean isMapping(String line) {
        int dash = line.indexOf('-');
        int colon = line.indexOf(':');
        return dash > 0 && (colon < 0 || dash < colon) && Character.digit(line.charAt(0), 16) >= 0
                && !Character.isUpperCase(line.charAt(0));
    }
}
