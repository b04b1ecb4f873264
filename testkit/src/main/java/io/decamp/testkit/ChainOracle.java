package io.decamp.testkit;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * Judges the log of a {@code chain} workload by recomputing all of it ({@code victims/chainref.c}): each line's value
 * and order, nothing missing, nothing twice, which is how a second running copy would show.
 */
public final class ChainOracle {
    private static final Pattern GAP = Pattern.compile(
            "(?:largest|gap) ms=(-?[\\d.]+) from=([\\d.]+) to=([\\d.]+) line=(\\d+) writer=([\\d.]+)");
    private static final Pattern CHECKED =
            Pattern.compile("checked lines=(\\d+) writers=(\\d+) steps=(\\d+) audits=(\\d+) errors=(\\d+)");
    private static final int USAGE = 2;

    /** Silence of one writer: between two of its lines, seconds of CLOCK_REALTIME; {@code line} is the later one's. */
    public record Gap(double millis, double fromSeconds, double toSeconds, long line, String writer) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.1f ms before line %d of writer %s", millis, line, writer);
        }
    }

    /**
     * @param audits writers whose whole memory was compared at their end
     * @param errors what does not hold, at most the first twenty, with line numbers
     */
    public record Report(long lines, int writers, int audits, Gap largest, List<Gap> gaps, List<String> errors) {
        public boolean verified() {
            return errors.isEmpty() && lines > 0;
        }

        /** @throws AssertionError with the errors when the log does not hold */
        public Report check() {
            if (!verified()) {
                throw new AssertionError(lines + " lines, wrong: " + String.join("; ", errors));
            }
            return this;
        }
    }

    private ChainOracle() {}

    /** Checks what is there so far; the workload may be running. Gaps are listed from 50 ms. */
    public static Report judge(Path log) {
        return judge(log, 0, 50, false);
    }

    /** As {@link #judge(Path)}, and each writer must have ended with an audit of its whole memory. */
    public static Report judgeEnded(Path log) {
        return judge(log, 0, 50, true);
    }

    /**
     * @param afterSeconds gaps that ended before this time do not count; the chain is always checked from its start
     * @param gapsOverMillis how long a gap must be to be listed
     * @throws DecampException {@code chain-log-unreadable}
     */
    public static Report judge(Path log, double afterSeconds, double gapsOverMillis, boolean requireAudit) {
        var command = new ArrayList<>(List.of(
                Victims.compiled("chainref").toString(),
                log.toString(),
                "--after",
                String.format(Locale.ROOT, "%.6f", afterSeconds),
                "--gaps-over",
                String.format(Locale.ROOT, "%.3f", gapsOverMillis)));
        if (requireAudit) {
            command.add("--require-audit");
        }
        Command.Result result = Command.run(command);
        MatchResult checked = result.lines().stream()
                .map(CHECKED::matcher)
                .filter(m -> m.matches())
                .findFirst()
                .orElse(null);
        if (result.status() >= USAGE || checked == null) {
            throw DecampException.refused(
                    "chain-log-unreadable",
                    "chainref ended with " + result.status() + " on " + log + ": " + result.output().strip(),
                    "Did the workload start, with this log?");
        }
        return report(result, checked);
    }

    private static Report report(Command.Result result, MatchResult checked) {
        List<Gap> gaps = new ArrayList<>();
        List<String> errors = new ArrayList<>();
        Gap largest = null;
        for (String line : result.lines()) {
            var m = GAP.matcher(line);
            if (line.startsWith("error ")) {
                errors.add(line.substring("error ".length()));
            } else if (m.matches()) {
                Gap gap = new Gap(number(m, 1), number(m, 2), number(m, 3), Long.parseLong(m.group(4)), m.group(5));
                if (line.startsWith("largest")) {
                    largest = gap;
                } else {
                    gaps.add(gap);
                }
            }
        }
        if (errors.isEmpty() && Long.parseLong(checked.group(5)) != 0) {
            errors.add(checked.group(5) + " errors that were not shown");
        }
        return new Report(
                Long.parseLong(checked.group(1)),
                Integer.parseInt(checked.group(2)),
                Integer.parseInt(checked.group(4)),
                largest,
                List.copyOf(gaps),
                List.copyOf(errors));
    }

    private static double number(MatchResult m, int group) {
        return Double.parseDouble(m.group(group));
    }
}
