package io.decamp.edge.trace;

import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import org.jboss.logging.Logger;

/** Says in few words that a collector does not answer; the exporter itself prints a stack trace a batch. */
final class QuietExporter implements SpanExporter {
    private static final Logger LOG = Logger.getLogger(QuietExporter.class);

    /** Held here, for the log manager holds loggers weakly. */
    private static final java.util.logging.Logger LOUD =
            java.util.logging.Logger.getLogger("io.opentelemetry.exporter.internal");

    private final SpanExporter exporter;
    private final String endpoint;
    private final AtomicLong failures = new AtomicLong();

    QuietExporter(SpanExporter exporter, String endpoint) {
        this.exporter = exporter;
        this.endpoint = endpoint;
        LOUD.setLevel(Level.OFF);
    }

    @Override
    public CompletableResultCode export(Collection<SpanData> spans) {
        CompletableResultCode result = exporter.export(spans);
        result.whenComplete(() -> told(result, spans.size()));
        return result;
    }

    private void told(CompletableResultCode result, int spans) {
        if (result.isSuccess()) {
            failures.set(0);
            return;
        }
        long count = failures.incrementAndGet();
        // the 1st, 2nd, 4th, 8th...
        if (Long.bitCount(count) == 1) {
            LOG.warnf("The collector at %s took none of %d spans, %d times in a row", endpoint, spans, count);
        }
    }

    @Override
    public CompletableResultCode flush() {
        return exporter.flush();
    }

    @Override
    public CompletableResultCode shutdown() {
        return exporter.shutdown();
    }
}
