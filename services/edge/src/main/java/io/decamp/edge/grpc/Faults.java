package io.decamp.edge.grpc;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** Carries {@link DecampException} over gRPC and back, so that a remote engine fails like a local one. */
public final class Faults {
    private static final Logger LOG = Logger.getLogger(Faults.class);
    private static final Metadata.Key<byte[]> CATEGORY = key("decamp-category");
    private static final Metadata.Key<byte[]> CODE = key("decamp-code");
    private static final Metadata.Key<byte[]> REASON = key("decamp-reason");
    private static final Metadata.Key<byte[]> ADVICE = key("decamp-advice");

    private Faults() {}

    /** Runs one unary call on the serving side. */
    public static <T> void answer(StreamObserver<T> out, Supplier<T> work) {
        try {
            out.onNext(work.get());
            out.onCompleted();
        } catch (RuntimeException e) {
            out.onError(toStatus(e));
        }
    }

    /** Runs one call on the asking side; {@code peer} names who was asked. */
    public static <T> T ask(String peer, Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException e) {
            throw fromStatus(peer, e);
        }
    }

    public static StatusRuntimeException toStatus(RuntimeException e) {
        if (!(e instanceof DecampException d)) {
            LOG.error("A call failed for a reason nobody foresaw", e);
            return Status.INTERNAL.withDescription(e.toString()).asRuntimeException();
        }
        Metadata trailers = new Metadata();
        put(trailers, CATEGORY, d.category().name());
        put(trailers, CODE, d.code());
        put(trailers, REASON, d.getMessage());
        put(trailers, ADVICE, d.advice());
        return Status.FAILED_PRECONDITION.withDescription(d.code()).asRuntimeException(trailers);
    }

    static DecampException fromStatus(String peer, StatusRuntimeException e) {
        Metadata trailers = e.getTrailers();
        String code = trailers == null ? null : get(trailers, CODE);
        if (code != null) {
            return new DecampException(
                    Category.valueOf(get(trailers, CATEGORY)), code, get(trailers, REASON), get(trailers, ADVICE), e);
        }
        return switch (e.getStatus().getCode()) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED ->
                DecampException.retry(
                        "service-unreachable", "The " + peer + " does not answer", "Is it running? See its log", e);
            case UNAUTHENTICATED, PERMISSION_DENIED ->
                DecampException.refused(
                        "not-authorised", "The " + peer + " refused this caller", "Use the same state directory");
            default ->
                DecampException.fatal(
                        "service-failed", "The " + peer + " failed: " + e.getStatus(), "See its log", e);
        };
    }

    /** Binary keys, because reasons may quote what is not ASCII. */
    private static Metadata.Key<byte[]> key(String name) {
        return Metadata.Key.of(name + Metadata.BINARY_HEADER_SUFFIX, Metadata.BINARY_BYTE_MARSHALLER);
    }

    private static void put(Metadata trailers, Metadata.Key<byte[]> key, String value) {
        trailers.put(key, String.valueOf(value).getBytes(StandardCharsets.UTF_8));
    }

    private static String get(Metadata trailers, Metadata.Key<byte[]> key) {
        byte[] value = trailers.get(key);
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }
}
