package io.decamp.restorer.engine.runtime;

import io.decamp.linux.proc.PidNamespace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes a replica of a stopped process the slow and simple way: every resident private page, read from
 * /proc/PID/mem.
 */
final class MemoryCopy {
    private static final int PAGE = 4096;
    private static final long ADDRESS_SPACE = 1L << 47;
    private static final int BATCH = 4096;

    record Process(int pid, int containerPid) {}

    private MemoryCopy() {}

    static List<Process> processesOf(int initPid) {
        List<Process> found = new ArrayList<>();
        for (PidNamespace.Member each : PidNamespace.of(initPid).members()) {
            found.add(new Process(each.pid(), each.innerPid()));
        }
        return found;
    }

    /** File offset == virtual address. */
    static void copy(int pid, Path target) throws IOException {
        Path proc = Path.of("/proc", Integer.toString(pid));
        try (FileChannel pagemap = FileChannel.open(proc.resolve("pagemap"));
                FileChannel memory = FileChannel.open(proc.resolve("mem"));
                FileChannel out = FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            out.write(ByteBuffer.wrap(new byte[1]), ADDRESS_SPACE - 1);
            for (String line : Files.readAllLines(proc.resolve("maps"))) {
                String[] range = line.split(" ", 2)[0].split("-");
                long start = Long.parseUnsignedLong(range[0], 16);
                long end = Long.parseUnsignedLong(range[1], 16);
                if (start >= 0 && !line.contains("[v")) {
                    copy(pagemap, memory, out, start, end);
                }
            }
        }
    }

    private static void copy(FileChannel pagemap, FileChannel memory, FileChannel out, long start, long end)
            throws IOException {
        ByteBuffer entries = ByteBuffer.allocate(BATCH * 8).order(java.nio.ByteOrder.nativeOrder());
        ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
        for (long at = start; at < end; at += (long) BATCH * PAGE) {
            int pages = (int) Math.min(BATCH, (end - at) / PAGE);
            entries.clear().limit(pages * 8);
            pagemap.read(entries, at / PAGE * 8);
            entries.flip();
            for (int i = 0; i < pages; i++) {
                boolean present = entries.getLong(i * 8) < 0;
                if (present) {
                    page.clear();
                    if (memory.read(page, at + (long) i * PAGE) != PAGE) {
                        throw new IOException("short read at " + Long.toHexString(at));
                    }
                    out.write(page.flip(), at + (long) i * PAGE);
                }
            }
        }
    }
}
