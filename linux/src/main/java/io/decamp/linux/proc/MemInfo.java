package io.decamp.linux.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The machine's memory as the kernel counts it: proc_meminfo(5).
 *
 * @param totalBytes usable by anybody
 * @param availableBytes an estimate of what new processes may take without swapping; page cache that can go is in it
 */
public record MemInfo(long totalBytes, long availableBytes) {
    private static final Path FILE = Path.of("/proc/meminfo");

    /** @throws UncheckedIOException when the file can't be read or lacks one of the two lines */
    public static MemInfo read() {
        try {
            return parse(Files.readString(FILE, StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + FILE, e);
        }
    }

    static MemInfo parse(String text) throws IOException {
        return new MemInfo(bytes(text, "MemTotal:"), bytes(text, "MemAvailable:"));
    }

    private static long bytes(String text, String name) throws IOException {
        String line = text.lines()
                .filter(l -> l.startsWith(name))
                .findFirst()
                .orElseThrow(() -> new IOException("no " + name + " in " + FILE));
        String[] words = line.substring(name.length()).strip().split("\\s+");
        if (words.length != 2 || !words[1].equals("kB")) {
            throw new IOException("not a size: " + line);
        }
        try {
            return Math.multiplyExact(Long.parseLong(words[0]), 1024L);
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IOException("not a size: " + line, e);
        }
    }
}
