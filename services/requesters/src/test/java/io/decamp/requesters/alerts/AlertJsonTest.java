package io.decamp.requesters.alerts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AlertJsonTest {
    @Test
    void shouldReadWhatAlertmanagerPosts() {
        List<Alert> alerts = AlertJson.read(Notifications.of(
                Notifications.alert(
                        "firing",
                        "0123456789abcdef",
                        "2026-01-31T13:00:00.5+01:00",
                        "{\"summary\":\"soon\"}",
                        "a",
                        "b"),
                Notifications.resolved("ff")));

        assertEquals(2, alerts.size());
        Alert first = alerts.getFirst();
        assertEquals("0123456789abcdef", first.fingerprint());
        assertEquals(Notifications.STARTED_MILLIS, first.startsAt().toEpochMilli());
        assertEquals(Map.of("a", "b"), first.labels());
        assertEquals(Map.of("summary", "soon"), first.annotations());
        assertTrue(first.firing() && !alerts.getLast().firing());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "alert-malformed | ",
                "alert-malformed | {\"version\":\"4\",\"alerts\":[",
                "alert-malformed | {\"version\":\"4\",\"version\":\"4\",\"alerts\":[]}",
                "alert-malformed | {\"version\":\"4\",\"alerts\":[]} {}",
                "alert-malformed | []",
                "alert-malformed | {\"version\":\"4\"}",
                "alert-malformed | {\"version\":\"4\",\"alerts\":{}}",
                "alert-malformed | {\"version\":\"4\",\"alerts\":[7]}",
                "alert-malformed | {\"version\":\"4\",\"alerts\":[{\"status\":\"firing\"}]}",
                "alert-version-unknown | {\"alerts\":[]}",
                "alert-version-unknown | {\"version\":\"5\",\"alerts\":[]}",
                "alert-version-unknown | {\"version\":{},\"alerts\":[]}"
            })
    void shouldRefuseABodyThatItCantRead(String code, String body) {
        byte[] bytes = (body == null ? "" : body).getBytes(StandardCharsets.UTF_8);

        DecampException refusal = assertThrows(DecampException.class, () -> AlertJson.read(bytes));

        assertEquals(code, refusal.code());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"firing\" | \"pending\" | status",
                "\"labels\":{ | \"labels\":[],\"was\":{ | alerts[0].labels",
                "\"b\" | 1 | alerts[0].labels.a",
                "\"aa\" | \"../aa\" | fingerprint",
                "\"aa\" | null | fingerprint",
                "\"2026-01-31T12:00:00.5Z\" | \"yesterday\" | startsAt",
                "\"2026-01-31T12:00:00.5Z\" | \"0001-01-01T00:00:00Z\" | startsAt"
            })
    void shouldNameWhatIsWrongWithAnAlert(String good, String bad, String named) {
        String body = new String(
                        Notifications.of(Notifications.firing("aa", "a", "b")), StandardCharsets.UTF_8)
                .replace("\"status\":\"firing\",\"alerts\"", "\"alerts\"");
        assertTrue(body.contains(good), () -> good + " is not in " + body);

        DecampException refusal = assertThrows(
                DecampException.class,
                () -> AlertJson.read(body.replace(good, bad).getBytes(StandardCharsets.UTF_8)));

        assertEquals("alert-malformed", refusal.code());
        assertTrue(refusal.getMessage().contains(named), refusal::getMessage);
    }

    @Test
    void shouldRefuseABodyThatIsNestedForHarm() {
        String deep = "{\"version\":\"4\",\"alerts\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}";

        DecampException refusal =
                assertThrows(DecampException.class, () -> AlertJson.read(deep.getBytes(StandardCharsets.UTF_8)));

        assertEquals("alert-malformed", refusal.code());
    }
}
