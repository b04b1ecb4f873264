package io.decamp.cli.bench;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the source's log says of each round of a move. Reports of progress come too rarely to tell short rounds apart. */
final class RoundLog {
    private static final Pattern LINE = Pattern.compile(
            "(\\d\\d:\\d\\d:\\d\\d\\.\\d{3}) .*\\] (\\S+): round (\\d+) sent (\\d+) pages and ended by ([a-z-]+);.*");
    private static final long DAY_NANOS = Duration.ofDays(1).toNanos();

    private RoundLog() {}

    /** In order; the final delta, sent while frozen, is not among them. */
    static List<PropagationRun.Round> of(Path log, WorkloadId workload, Instant requested) {
        LocalTime since = requested.atZone(ZoneId.systemDefault()).toLocalTime();
        try (Stream<String> lines = Files.lines(log)) {
            return lines.map(LINE::matcher)
                    .filter(m -> m.matches() && m.group(2).equals(workload.value()))
                    .map(m -> round(m, since))
                    .toList();
        } catch (IOException e) {
            throw DecampException.abort("log-unreadable", "Cannot read " + log, "See whether the node runs", e);
        }
    }

    private static PropagationRun.Round round(MatchResult line, LocalTime since) {
        long nanos = LocalTime.parse(line.group(1)).toNanoOfDay() - since.toNanoOfDay();
        // the log tells no day
        double elapsed = (nanos < -DAY_NANOS / 2 ? nanos + DAY_NANOS : nanos) / 1e9;
        return new PropagationRun.Round(
                Integer.parseInt(line.group(3)), elapsed, Long.parseLong(line.group(4)), line.group(5));
    }
}
