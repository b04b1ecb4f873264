package io.decamp.edge.trace;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * Keeps the last traces of a node as {@code TRACEID.jsonl}, a span a line, so that a migration can be looked at on a
 * machine without a collector. Several services may append to one directory: a batch is one write to a file opened for
 * appending. The oldest traces go first. A full disk costs spans, never a migration.
 */
final class SpanStore implements SpanExporter {
    private static final Logger LOG = Logger.getLogger(SpanStore.class);

    static final String SUFFIX = ".jsonl";
    /** Some weeks of migrations of a node. */
    static final int MAX_TRACES = 512;
    /** A migration has a few dozen spans of half a KiB; what has a thousand is a defect that must not fill the disk. */
    static final long MAX_TRACE_BYTES = 512L << 10;

    private final Path directory;
    /** Traces known to be there, so that only a new one makes us look for old ones. */
    private final Set<String> known = new HashSet<>();

    private long failures;

    SpanStore(Path directory) {
        this.directory = directory;
    }

    @Override
    public synchronized CompletableResultCode export(Collection<SpanData> spans) {
        Map<String, StringBuilder> lines = new LinkedHashMap<>();
        for (SpanData span : spans) {
            lines.computeIfAbsent(span.getTraceId(), id -> new StringBuilder())
                    .append(SpanJson.write(span))
                    .append('\n');
        }
        try {
            Files.createDirectories(directory);
            for (Map.Entry<String, StringBuilder> trace : lines.entrySet()) {
                append(trace.getKey(), trace.getValue());
            }
            return CompletableResultCode.ofSuccess();
        } catch (IOException e) {
            failures++;
            // the 1st, 2nd, 4th, 8th...
            if (Long.bitCount(failures) == 1) {
                LOG.warnf("Spans are lost, %d times so far: %s", failures, e.toString());
            }
            return CompletableResultCode.ofFailure();
        }
    }

    @Override
    public CompletableResultCode flush() {
        return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
        return CompletableResultCode.ofSuccess();
    }

    private void append(String traceId, CharSequence lines) throws IOException {
        if (known.add(traceId)) {
            forgetOldest();
        }
        Path file = directory.resolve(traceId + SUFFIX);
        byte[] bytes = lines.toString().getBytes(StandardCharsets.UTF_8);
        long size = Files.exists(file) ? Files.size(file) : 0;
        if (size + bytes.length > MAX_TRACE_BYTES) {
            throw new IOException("Trace " + traceId + " has more than " + MAX_TRACE_BYTES + " bytes of spans");
        }
        Files.write(file, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private void forgetOldest() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            stream.forEach(files::add);
        }
        if (files.size() < MAX_TRACES) {
            return;
        }
        List<Aged> traces = new ArrayList<>();
        for (Path file : files) {
            traces.add(Aged.of(file));
        }
        traces.sort(Comparator.comparingLong(Aged::modifiedMillis));
        for (int i = 0; i <= traces.size() - MAX_TRACES; i++) {
            Path oldest = traces.get(i).file();
            Files.deleteIfExists(oldest);
            known.remove(oldest.getFileName().toString().replace(SUFFIX, ""));
        }
    }

    private record Aged(Path file, long modifiedMillis) {
        /** Another service of the node may have removed it meanwhile. */
        static Aged of(Path file) throws IOException {
            try {
                return new Aged(file, Files.getLastModifiedTime(file).toMillis());
            } catch (NoSuchFileException e) {
                return new Aged(file, Long.MIN_VALUE);
            }
        }
    }
}
