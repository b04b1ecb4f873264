package io.decamp.linux.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** What criu says when it fails. */
public final class CriuLog {
    /** The first lines tell the cause, the later ones who passed it on. */
    private static final int MAX_LINES = 3;

    private static final String MARK = "Error (";

    private CriuLog() {}

    /**
     * criu's reasons as it wrote them, without times and source lines, joined by semicolons.
     *
     * @return a sentence that names the log where it has no error line
     */
    public static String reason(Path log) {
        try {
            String reason = reason(Files.readAllLines(log, StandardCharsets.ISO_8859_1));
            return reason.isEmpty() ? "criu gave no reason in " + log : reason;
        } catch (NoSuchFileException e) {
            return "criu ended before it wrote " + log;
        } catch (IOException e) {
            return "criu's log can't be read: " + e.getMessage();
        }
    }

    /** @param lines {@code (00.045) Error (criu/files.c:123): text} among others */
    static String reason(List<String> lines) {
        List<String> errors = lines.stream()
                .filter(line -> line.contains(MARK))
                .map(CriuLog::text)
                .distinct()
                .limit(MAX_LINES)
                .toList();
        return String.join("; ", errors);
    }

    private static String text(String line) {
        int end = line.indexOf("): ", line.indexOf(MARK));
        return (end < 0 ? line : line.substring(end + 3)).strip();
    }
}
