package io.decamp.linux.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What criu says when it fails. */
public final class CriuLog {
    /** The first lines tell the cause, the later ones who passed it on. */
    private static final int MAX_LINES = 3;

    /** Without CAP_SYS_RESOURCE criu keeps its limits, and tells so as an error. */
    private static final String HARMLESS = "rlimit: ";

    private static final String ERROR = "Error (";

    private static final String WARNING = "Warn  (";

    private CriuLog() {}

    /**
     * criu's reasons as it wrote them, without times and source lines, joined by semicolons.
     *
     * @param output of the command that was to run criu, for when it never got so far
     */
    public static String reason(Path log, Path output) {
        String reason = reason(lines(log));
        if (!reason.isEmpty()) {
            return reason;
        }
        List<String> said = lines(output).stream().filter(line -> !line.isBlank()).toList();
        return said.isEmpty() ? "no reason was given in " + log : said.getLast().strip();
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * @param lines {@code (00.045) Error (criu/files.c:123): text} among others; a failed seize is told by a warning
     *     only, so the last one before the first error counts too
     */
    public static String reason(List<String> lines) {
        List<String> reasons = new ArrayList<>();
        String warning = null;
        for (String line : lines) {
            if (line.contains(WARNING) && reasons.isEmpty()) {
                warning = text(line, WARNING);
            } else if (line.contains(ERROR) && !text(line, ERROR).startsWith(HARMLESS)) {
                if (warning != null) {
                    reasons.add(warning);
                    warning = null;
                }
                if (!reasons.contains(text(line, ERROR))) {
                    reasons.add(text(line, ERROR));
                }
            }
        }
        return String.join("; ", reasons.subList(0, Math.min(MAX_LINES, reasons.size())));
    }

    private static String text(String line, String mark) {
        int end = line.indexOf("): ", line.indexOf(mark));
        return (end < 0 ? line : line.substring(end + 3)).strip();
    }
}
