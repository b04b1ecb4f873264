package io.decamp.requesters.alerts;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Reads what Alertmanager posts to a webhook: version 4, see "webhook_config" in its documentation. Fields that are not
 * needed are passed over, as newer releases add some.
 */
final class AlertJson {
    private static final String VERSION = "4";
    /** A message, its alerts, an alert, its labels; with room for fields to come. */
    private static final int MAX_DEPTH = 16;
    /** An annotation is a text for people. */
    private static final int MAX_TEXT_CHARS = 64 << 10;
    /** 64 bits in hexadecimal; becomes part of an id. */
    private static final Pattern FINGERPRINT = Pattern.compile("[0-9A-Za-z]{1,64}");
    /** Enough of a foreign text to recognise it. */
    private static final int QUOTED_CHARS = 60;

    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(MAX_TEXT_CHARS)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private AlertJson() {}

    /** @throws DecampException {@code alert-malformed}, {@code alert-version-unknown}: nothing of it may be used */
    static List<Alert> read(byte[] body) {
        JsonNode message;
        try {
            message = JSON.readTree(body);
        } catch (IOException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "alert-malformed",
                    "The body of " + body.length + " bytes is not well-formed JSON",
                    "Send what Alertmanager sends to a webhook",
                    e);
        }
        if (!message.isObject()) {
            throw malformed("The body is not a JSON object");
        }
        if (!message.path("version").asText("").equals(VERSION)) {
            throw DecampException.refused(
                    "alert-version-unknown",
                    "The message has version " + quote(message.path("version")) + "; expected \"" + VERSION + "\"",
                    "Send what Alertmanager sends to a webhook");
        }
        if (!message.path("alerts").isArray()) {
            throw malformed("The message has no array 'alerts'");
        }
        List<Alert> alerts = new ArrayList<>();
        for (JsonNode alert : message.path("alerts")) {
            alerts.add(alert(alert, "alerts[" + alerts.size() + "]"));
        }
        return alerts;
    }

    private static Alert alert(JsonNode json, String place) {
        String fingerprint = text(json, "fingerprint", place);
        if (!FINGERPRINT.matcher(fingerprint).matches()) {
            throw malformed(place + " has the fingerprint " + quote(json.path("fingerprint")));
        }
        boolean firing =
                switch (text(json, "status", place)) {
                    case "firing" -> true;
                    case "resolved" -> false;
                    default -> throw malformed(place + " has the status " + quote(json.path("status"))
                            + "; expected firing or resolved");
                };
        return new Alert(
                fingerprint,
                firing,
                time(json, place),
                texts(json.path("labels"), place + ".labels"),
                texts(json.path("annotations"), place + ".annotations"));
    }

    private static Instant time(JsonNode json, String place) {
        try {
            Instant time = OffsetDateTime.parse(text(json, "startsAt", place)).toInstant();
            // Go's zero time is what a field holds that nobody set
            if (time.isAfter(Instant.EPOCH)) {
                return time;
            }
        } catch (DateTimeException e) {
            // told below with the text itself
        }
        throw malformed(place + " has startsAt " + quote(json.path("startsAt")) + "; expected an RFC 3339 time");
    }

    private static Map<String, String> texts(JsonNode json, String place) {
        Map<String, String> texts = new LinkedHashMap<>();
        if (!json.isMissingNode() && !json.isNull() && !json.isObject()) {
            throw malformed(place + " is not a JSON object");
        }
        json.properties().forEach(entry -> {
            if (!entry.getValue().isTextual()) {
                throw malformed(place + "." + entry.getKey() + " is " + quote(entry.getValue()) + "; expected a text");
            }
            texts.put(entry.getKey(), entry.getValue().textValue());
        });
        return texts;
    }

    private static String text(JsonNode json, String name, String place) {
        JsonNode value = json.path(name);
        if (!value.isTextual()) {
            throw malformed(place + " has no text '" + name + "'");
        }
        return value.textValue();
    }

    private static String quote(JsonNode value) {
        String text = value.isMissingNode() ? "nothing" : value.toString();
        return text.length() <= QUOTED_CHARS ? text : text.substring(0, QUOTED_CHARS) + "...";
    }

    private static DecampException malformed(String what) {
        return DecampException.refused("alert-malformed", what, "Send what Alertmanager sends to a webhook");
    }
}
