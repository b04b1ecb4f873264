package io.decamp.linux.command;

import io.decamp.contracts.error.DecampException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Version of criu; ordered. */
public record CriuVersion(int major, int minor) implements Comparable<CriuVersion> {
    /**
     * Older ones can't restore a vDSO on kernels since 6.13 nor dump inet sockets on 6.18, run no action script
     * under runc,
     * and have other pagemap images.
     */
    public static final CriuVersion OLDEST = new CriuVersion(4, 2);

    private static final Pattern LINE = Pattern.compile("Version: (\\d+)\\.(\\d+)");

    /** @throws DecampException {@code criu-too-old}, {@code criu-not-found} */
    public static CriuVersion require(List<String> criu) {
        CriuVersion found = of(criu);
        if (found.compareTo(OLDEST) < 0) {
            throw DecampException.refused(
                    "criu-too-old",
                    "criu is version " + found + ", at least " + OLDEST + " is needed",
                    "Install a newer one, or let decamp.criu name it");
        }
        return found;
    }

    public static CriuVersion of(List<String> criu) {
        List<String> command = new ArrayList<>(criu);
        command.add("--version");
        String output = ShortCommand.run(command).output();
        return parse(output)
                .orElseThrow(() -> DecampException.refused(
                        "criu-not-found",
                        "'" + String.join(" ", command) + "' does not answer with a version: " + output.strip(),
                        "Install CRIU " + OLDEST + " or newer, or let decamp.criu name it"));
    }

    static Optional<CriuVersion> parse(String output) {
        Matcher m = LINE.matcher(output);
        return m.find()
                ? Optional.of(new CriuVersion(Integer.parseInt(m.group(1)), Integer.parseInt(m.group(2))))
                : Optional.empty();
    }

    @Override
    public int compareTo(CriuVersion other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
