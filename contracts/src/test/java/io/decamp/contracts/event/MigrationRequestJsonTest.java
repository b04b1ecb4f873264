package io.decamp.contracts.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MigrationRequestJsonTest {
    @Test
    void shouldReadOneLineOfAConsoleProducer() {
        byte[] line = "{\"workload\":\"runc:redis\",\"node\":\"alpha\"}".getBytes(StandardCharsets.UTF_8);

        Event<MigrationRequested> event =
                EventCodec.decode(EventType.MIGRATION_REQUESTED, RawEvents.bare(Topics.MIGRATION_REQUESTED, line));

        assertEquals("runc:redis", event.data().getWorkload());
        assertEquals("migration-requested-2-40", event.header().id());
        assertEquals("/topics/migration-requested", event.header().source());
        assertEquals(RawEvents.RECORDED, event.header().time());
    }

    @ParameterizedTest
    @ValueSource(strings = {"dryRun", "dry_run"})
    void shouldReadThatARunIsDry(String name) {
        assertTrue(read("{\"workload\":\"runc:a\",\"node\":\"alpha\",\"" + name + "\":true}").getDryRun());
    }

    @Test
    void shouldPreferAttributesThatAreThere() {
        RawEvent raw = RawEvents.json("{\"workload\":\"runc:redis\",\"node\":\"alpha\"}");
        raw = RawEvents.with(raw, "ce_id", "42");
        raw = RawEvents.with(raw, "ce_time", "2026-01-31T13:00:00+01:00");
        RawEvent given = RawEvents.with(raw, "ce_source", "/monitoring");

        EventHeader header =
                EventCodec.decode(EventType.MIGRATION_REQUESTED, given).header();

        assertEquals("42", header.id());
        assertEquals("/monitoring", header.source());
        assertEquals(Instant.parse("2026-01-31T12:00:00Z"), header.time());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"reason\":\"rebalance\"              | 2 |    0 |   0",
                "\"reason\":\"failure-predicted\"      | 1 |    0 |   0",
                "\"reason\":4                          | 4 |    0 |   0",
                "\"reason\":null                       | 0 |    0 |   0",
                "\"deadline\":\"1970-01-01T00:00:01Z\" | 0 | 1000 |   0",
                "\"deadlineUnixMillis\":\"1000\"       | 0 | 1000 |   0",
                "\"deadline_unix_millis\":1000         | 0 | 1000 |   0",
                "\"probability\":0.5                   | 0 |    0 | 0.5",
                "\"probability\":\"0.5\"               | 0 |    0 | 0.5",
                "\"probability\":1                     | 0 |    0 |   1"
            })
    void shouldReadEverySpellingOf(String field, int reason, long deadline, double probability) {
        MigrationRequested request = read("{\"workload\":\"runc:a\",\"node\":\"alpha\"," + field + "}");

        assertEquals(Reason.forNumber(reason), request.getReason());
        assertEquals(deadline, request.getDeadlineUnixMillis());
        assertEquals(probability, request.getProbability());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"valid_untill\":\"2026-01-01T00:00:00Z\"",
                "\"probability\":1.01",
                "\"probability\":\"NaN\"",
                "\"probability\":true",
                "\"dryRun\":\"yes\"",
                "\"dry_run\":1",
                "\"probability\":[]",
                "\"reason\":\"BECAUSE\"",
                "\"reason\":77",
                "\"reason\":\"UNRECOGNIZED\"",
                "\"deadline\":\"2026-01-01\"",
                "\"deadline\":\"+999999999-12-31T23:59:59Z\"",
                "\"deadline\":5",
                "\"deadlineUnixMillis\":1e3",
                "\"deadlineUnixMillis\":99999999999999999999",
                "\"validUntil\":{}",
                "\"note\":{\"deep\":{}}",
                "\"note\":5",
                "\"node\":\"beta\""
            })
    void shouldRefuse(String field) {
        DecampException refusal = assertThrows(
                DecampException.class, () -> read("{\"workload\":\"runc:a\",\"node\":\"alpha\"," + field + "}"));

        assertEquals("event-malformed", refusal.code());
        assertTrue(refusal.getMessage().contains("expected"), refusal::getMessage);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "5",
                "{}",
                "{\"workload\":\"runc:a\"}",
                "{\"node\":\"alpha\"}",
                "{\"workload\":\"runc:a\",\"node\":\"alpha\"",
                "{\"workload\":\"runc:a\",\"node\":\"alpha\"} {}",
                "{\"workload\":\"runc:a\",\"node\":\"alpha\",}"
            })
    void shouldRefuseWhatIsNotOneRequest(String json) {
        DecampException refusal = assertThrows(DecampException.class, () -> read(json));

        assertEquals("event-malformed", refusal.code());
    }

    @Test
    void shouldRefuseMoreThanTheLimitBeforeParsing() {
        DecampException refusal =
                assertThrows(DecampException.class, () -> read("{".repeat(EventLimits.MAX_JSON_BYTES + 1)));

        assertEquals("event-oversized", refusal.code());
    }

    private static MigrationRequested read(String json) {
        return EventCodec.decode(EventType.MIGRATION_REQUESTED, RawEvents.json(json))
                .data();
    }
}
