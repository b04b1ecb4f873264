package io.decamp.edge.trace;

import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;

/** Finds and reads the spans that several nodes' {@link Tracing} kept of one trace. */
public final class SpanReader {
    private static final Logger LOG = Logger.getLogger(SpanReader.class);
    private static final Pattern TRACE_ID = Pattern.compile("[0-9a-f]{32}");

    private final List<Path> directories;

    /** @param directories of the nodes; those that do not exist are passed over */
    public SpanReader(Collection<Path> directories) {
        this.directories = List.copyOf(directories);
    }

    /**
     * All spans of a trace, by start, parents before children that started with them. Empty when no node knows it.
     *
     * @throws DecampException {@code trace-unreadable}; {@code bad-trace} when it is no trace id
     */
    public List<StoredSpan> read(String traceId) {
        if (!TRACE_ID.matcher(traceId).matches()) {
            throw DecampException.refused(
                    "bad-trace",
                    "'" + traceId + "' is not a trace id",
                    "Use 32 hexadecimal digits, or a migration's id");
        }
        Map<String, StoredSpan> spans = new LinkedHashMap<>();
        for (Path directory : directories) {
            Path file = directory.resolve(traceId + SpanStore.SUFFIX);
            if (Files.exists(file)) {
                readFile(file).forEach(span -> spans.put(span.spanId(), span));
            }
        }
        List<StoredSpan> sorted = new ArrayList<>(spans.values());
        sorted.sort(Comparator.comparingLong(StoredSpan::startUnixNanos)
                .thenComparing(
                        Comparator.comparingLong(StoredSpan::endUnixNanos).reversed()));
        return sorted;
    }

    /**
     * Ids of the traces in which a span has the attribute, such as {@link Tracing#MIGRATION}; the latest first.
     *
     * @throws DecampException {@code trace-unreadable}
     */
    public List<String> find(String attribute, String value) {
        Map<String, Long> found = new LinkedHashMap<>();
        for (Path directory : directories) {
            for (Path file : files(directory)) {
                for (StoredSpan span : readFile(file)) {
                    if (value.equals(span.attributes().get(attribute))) {
                        found.merge(span.traceId(), span.startUnixNanos(), Math::max);
                    }
                }
            }
        }
        return found.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .map(Map.Entry::getKey)
                .toList();
    }

    private static Set<Path> files(Path directory) {
        Set<Path> files = new HashSet<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, "*" + SpanStore.SUFFIX)) {
                stream.forEach(files::add);
            } catch (IOException e) {
                throw unreadable(directory, e);
            }
        }
        return files;
    }

    private static List<StoredSpan> readFile(Path file) {
        List<StoredSpan> spans = new ArrayList<>();
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        for (String line : lines) {
            try {
                spans.add(SpanJson.read(line));
            } catch (IOException e) {
                LOG.warnf("A line of %s is no span: %s", file, firstLine(e.getMessage()));
            }
        }
        return spans;
    }

    /** The parser adds a second one that says where. */
    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("");
    }

    private static DecampException unreadable(Path path, IOException cause) {
        return DecampException.retry(
                "trace-unreadable", "Spans in " + path + " can't be read", "Check the file's permissions", cause);
    }
}
