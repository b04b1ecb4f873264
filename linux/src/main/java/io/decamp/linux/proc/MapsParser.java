package io.decamp.linux.proc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Parses /proc/PID/maps, fs/proc/task_mmu.c show_map_vma(). A line that does not fit is an error, never skipped. */
public final class MapsParser {
    private MapsParser() {}

    /** @return all mappings of a process, ordered by address; empty when it is gone or has no memory (a zombie) */
    public static Optional<List<Vma>> ofProcess(int pid) {
        return ProcFs.readIfPresent(pid, "maps").map(MapsParser::parse);
    }

    public static List<Vma> parse(String maps) {
        List<Vma> vmas = new ArrayList<>();
        int lineStart = 0;
        while (lineStart < maps.length()) {
            int lineEnd = maps.indexOf('\n', lineStart);
            if (lineEnd < 0) {
                throw new IllegalArgumentException("maps end inside a line: " + maps.substring(lineStart));
            }
            vmas.add(parseLine(maps.substring(lineStart, lineEnd)));
            lineStart = lineEnd + 1;
        }
        return vmas;
    }

    static Vma parseLine(String line) {
        try {
            int dash = line.indexOf('-');
            int permissions = line.indexOf(' ', dash) + 1;
            int offset = line.indexOf(' ', permissions) + 1;
            int device = line.indexOf(' ', offset) + 1;
            int inode = line.indexOf(' ', device) + 1;
            int inodeEnd = line.indexOf(' ', inode);
            if (offset - permissions != 5 || device == 0 || inode == 0) {
                throw new IllegalArgumentException("not a line of /proc/PID/maps: " + line);
            }
            int numberEnd = inodeEnd < 0 ? line.length() : inodeEnd;
            return new Vma(
                    Long.parseUnsignedLong(line, 0, dash, 16),
                    Long.parseUnsignedLong(line, dash + 1, permissions - 1, 16),
                    line.charAt(permissions) == 'r',
                    line.charAt(permissions + 1) == 'w',
                    line.charAt(permissions + 2) == 'x',
                    line.charAt(permissions + 3) == 's',
                    Long.parseUnsignedLong(line, offset, device - 1, 16),
                    line.substring(device, inode - 1),
                    Long.parseLong(line, inode, numberEnd, 10),
                    pathAfter(line, numberEnd));
        } catch (NumberFormatException | StringIndexOutOfBoundsException e) {
            throw new IllegalArgumentException("not a line of /proc/PID/maps: " + line, e);
        }
    }

    private static String pathAfter(String line, int position) {
        int start = position;
        while (start < line.length() && line.charAt(start) == ' ') {
            start++;
        }
        return line.substring(start);
    }
}
