package io.decamp.contracts.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Message;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.error.DecampException.Category;
import io.decamp.contracts.event.EventSamples.Sample;
import io.decamp.contracts.v1.MigrationRequested;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventRefusalTest {
    static List<Sample<?>> samples() {
        return EventSamples.all();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldRefuseEveryTypeInAFutureVersion(Sample<?> sample) {
        String future = "io.decamp." + sample.type().topic() + ".v2";

        DecampException refusal = refusal(sample, raw -> RawEvents.with(raw, "ce_type", future));

        assertRefused("event-version-unknown", sample.type().ceType(), refusal);
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldRefuseEveryTypeWhenTruncated(Sample<?> sample) {
        DecampException refusal =
                refusal(sample, raw -> RawEvents.withValue(raw, Arrays.copyOf(raw.value(), raw.value().length - 1)));

        assertRefused("event-malformed", sample.type().topic() + "-2-40", refusal);
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldRefuseATombstone(Sample<?> sample) {
        DecampException refusal = refusal(sample, raw -> RawEvents.withValue(raw, null));

        assertRefused("event-malformed", "has no data", refusal);
    }

    @Test
    void shouldRefuseATypeWithoutVersion() {
        DecampException refusal =
                refusal(first(), raw -> RawEvents.with(raw, "ce_type", "io.decamp.migration-requested"));

        assertRefused("event-unversioned", "io.decamp.migration-requested.v1", refusal);
    }

    @Test
    void shouldRefuseAMissingType() {
        DecampException refusal = refusal(first(), raw -> RawEvents.without(raw, "ce_type"));

        assertRefused("event-unversioned", "no ce_type", refusal);
    }

    @Test
    void shouldRefuseATypeOfAnotherTopic() {
        DecampException refusal = refusal(first(), raw -> RawEvents.with(raw, "ce_type", "io.decamp.restored.v1"));

        assertRefused("event-unexpected", "io.decamp.restored.v1", refusal);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ce_id", "ce_source", "ce_time", "ce_specversion"})
    void shouldRefuseProtobufWithoutAttribute(String attribute) {
        DecampException refusal = refusal(first(), raw -> RawEvents.without(raw, attribute));

        assertRefused("event-malformed", attribute, refusal);
    }

    @Test
    void shouldRefuseAnotherSpecVersion() {
        DecampException refusal = refusal(first(), raw -> RawEvents.with(raw, "ce_specversion", "0.3"));

        assertRefused("event-malformed", "'0.3'; expected 1.0", refusal);
    }

    @Test
    void shouldRefuseAnIdAboveItsLimit() {
        String id = "x".repeat(EventLimits.MAX_ID_CHARS + 1);

        DecampException refusal = refusal(first(), raw -> RawEvents.with(raw, "ce_id", id));

        assertRefused("event-oversized", "ce_id has 129 characters; expected at most 128", refusal);
    }

    @Test
    void shouldRefuseAnIdWithControlCharacters() {
        DecampException refusal = refusal(first(), raw -> RawEvents.with(raw, "ce_id", "a\nb"));

        assertRefused("event-malformed", "'a?b'", refusal);
    }

    @Test
    void shouldRefuseATimeThatIsNone() {
        DecampException refusal = refusal(first(), raw -> RawEvents.with(raw, "ce_time", "yesterday"));

        assertRefused("event-malformed", "'yesterday'", refusal);
    }

    @Test
    void shouldRefuseAForeignContentType() {
        DecampException refusal =
                refusal(first(), raw -> RawEvents.with(raw, "content-type", "application/cloudevents+json"));

        assertRefused("event-malformed", "cloudevents+json", refusal);
    }

    @Test
    void shouldRefuseJsonOnOtherTopics() {
        DecampException refusal =
                refusal(EventSamples.all().get(1), raw -> RawEvents.with(raw, "content-type", "application/json"));

        assertRefused("event-malformed", "only migration-requested", refusal);
    }

    @Test
    void shouldRefuseAKeyThatIsNotTheWorkload() {
        DecampException refusal = refusal(first(), raw -> RawEvents.withKey(raw, "runc:other"));

        assertRefused("event-key-mismatch", "'runc:redis'", refusal);
    }

    @Test
    void shouldRefuseToReadDataAboveTheLimit() {
        DecampException refusal =
                refusal(first(), raw -> RawEvents.withValue(raw, new byte[EventLimits.MAX_VALUE_BYTES + 1]));

        assertRefused("event-oversized", "524289 bytes", refusal);
    }

    @Test
    void shouldRefuseToWriteDataAboveTheLimit() {
        var data = MigrationRequested.newBuilder()
                .setNote("x".repeat(EventLimits.MAX_VALUE_BYTES))
                .build();
        var header = new EventHeader("id", "/nodes/a", EventType.MIGRATION_REQUESTED.ceType(), EventSamples.TIME);

        DecampException refusal = assertThrows(
                DecampException.class, () -> EventCodec.encode(EventType.MIGRATION_REQUESTED, header, data));

        assertRefused("event-oversized", "at most 524288", refusal);
    }

    @Test
    void shouldForgetAnInvalidTraceContextAndKeepTheEvent() {
        RawEvent raw = RawEvents.with(RawEvents.of(first()), "traceparent", "00-" + "0".repeat(32) + "-1234-01");

        Event<?> event = EventCodec.decode(first().type(), raw);

        assertEquals("", event.header().traceparent());
        assertEquals("", event.header().tracestate());
    }

    private static Sample<?> first() {
        return EventSamples.all().getFirst();
    }

    private static <T extends Message> DecampException refusal(Sample<T> sample, UnaryOperator<RawEvent> spoil) {
        RawEvent spoilt = spoil.apply(RawEvents.of(sample));
        return assertThrows(DecampException.class, () -> EventCodec.decode(sample.type(), spoilt));
    }

    private static void assertRefused(String code, String datum, DecampException refusal) {
        assertEquals(Category.REFUSED, refusal.category());
        assertEquals(code, refusal.code(), refusal::getMessage);
        assertTrue(refusal.getMessage().contains(datum), refusal::getMessage);
    }
}
