package io.decamp.linux.proc;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A line of /proc/PID/mountinfo, proc_pid_mountinfo(5), with its octal escapes undone.
 *
 * @param root the directory of the file system that is mounted
 * @param point where, as the process sees it
 * @param tags {@code shared:1}, {@code master:2}
 */
public record Mount(
        int id,
        int parent,
        String device,
        String root,
        String point,
        Set<String> options,
        Set<String> tags,
        String type,
        String source,
        Set<String> superOptions) {
    private static final int FIXED_FIELDS = 6;

    /** @return empty when the process is gone */
    public static Optional<List<Mount>> ofProcess(int pid) {
        return ProcFs.readIfPresent(pid, "mountinfo").map(Mount::parse);
    }

    public static List<Mount> parse(String mountinfo) {
        List<Mount> mounts = new ArrayList<>();
        for (String line : mountinfo.split("\n")) {
            if (!line.isEmpty()) {
                mounts.add(parseLine(line));
            }
        }
        return mounts;
    }

    private static Mount parseLine(String line) {
        String[] fields = line.split(" ");
        int separator = Arrays.asList(fields).indexOf("-");
        if (separator < FIXED_FIELDS || fields.length < separator + 3) {
            throw new IllegalArgumentException("not a line of /proc/PID/mountinfo: " + line);
        }
        return new Mount(
                Integer.parseInt(fields[0]),
                Integer.parseInt(fields[1]),
                fields[2],
                unescape(fields[3]),
                unescape(fields[4]),
                Set.copyOf(Arrays.asList(fields[5].split(","))),
                Set.copyOf(Arrays.asList(fields).subList(FIXED_FIELDS, separator)),
                fields[separator + 1],
                unescape(fields[separator + 2]),
                fields.length > separator + 3 ? Set.copyOf(Arrays.asList(fields[separator + 3].split(","))) : Set.of());
    }

    /** Blank, tab, newline and backslash are printed as three octal digits. The text came as ISO 8859-1. */
    static String unescape(String field) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(field.length());
        for (int i = 0; i < field.length(); i++) {
            char c = field.charAt(i);
            if (c == '\\' && i + 3 < field.length() && isOctal(field, i + 1)) {
                bytes.write(Integer.parseInt(field, i + 1, i + 4, 8));
                i += 3;
            } else {
                bytes.write(c);
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static boolean isOctal(String field, int from) {
        for (int i = from; i < from + 3; i++) {
            if (field.charAt(i) < '0' || field.charAt(i) > '7') {
                return false;
            }
        }
        return true;
    }
}
