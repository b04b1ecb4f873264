package io.decamp.introspector.engine.runtime;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Resident memory of one process as criu's lazy dump divides it (criu/mem.c, vma_entry_can_be_lazy): private anonymous
 * memory is lazy unless it is locked or of huge pages; everything else that is not just a file's content is written
 * whole.
 *
 * @param lazyBytes can travel before the freeze
 * @param eagerBytes written while frozen
 */
record MemoryShares(long lazyBytes, long eagerBytes) {
    private static final Pattern HEADER = Pattern.compile("[0-9a-f]+-[0-9a-f]+ ([r-][w-][x-])([sp]) .*");

    /** @param smaps the content of /proc/PID/smaps (proc_pid_smaps(5)) */
    static MemoryShares parse(String smaps) {
        long lazy = 0;
        long eager = 0;
        boolean shared = false;
        long resident = 0;
        long anonymous = 0;
        for (String line : smaps.lines().toList()) {
            var header = HEADER.matcher(line);
            if (header.matches()) {
                shared = header.group(2).equals("s");
                resident = 0;
                anonymous = 0;
            } else if (line.startsWith("Rss:")) {
                resident = bytes(line);
            } else if (line.startsWith("Anonymous:")) {
                anonymous = bytes(line);
            } else if (line.startsWith("VmFlags:")) {
                List<String> flags = List.of(line.substring("VmFlags:".length()).strip().split(" "));
                long counted = shared ? resident : anonymous;
                if (shared || flags.contains("lo") || flags.contains("ht")) {
                    eager += counted;
                } else {
                    lazy += counted;
                }
            }
        }
        return new MemoryShares(lazy, eager);
    }

    private static long bytes(String line) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
    }
}
