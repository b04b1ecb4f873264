package io.decamp.contracts.event;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.Reason;
import java.io.IOException;
import java.time.DateTimeException;
import java.util.Locale;

/**
 * A request in JSON: proto3's own mapping (camel case or proto names, 64-bit numbers also as strings), and the form
 * that a monitoring system writes, with {@code deadline} and {@code validUntil} as RFC 3339 times. Streams, so that
 * nothing is built from a hostile text; a field that is not known is refused, for it may be a misspelt limit.
 */
final class MigrationRequestJson {
    private static final String EXPECTED_TEXT = "a text";
    private static final String EXPECTED_TIME = "an RFC 3339 time such as 2026-01-31T12:00:00Z";
    private static final String EXPECTED_MILLIS = "milliseconds since 1970 as a whole number";
    private static final String FIELDS =
            "workload, node, reason, destination, validUntil, probability, deadline, dryRun or note";

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(1)
                    .maxStringLength(EventLimits.MAX_JSON_TEXT_CHARS)
                    .maxNumberLength(32)
                    .maxNameLength(64)
                    .build())
            .build();

    private final RawEvent raw;
    private final MigrationRequested.Builder request = MigrationRequested.newBuilder();

    private MigrationRequestJson(RawEvent raw) {
        this.raw = raw;
    }

    static MigrationRequested read(RawEvent raw) {
        return new MigrationRequestJson(raw).read();
    }

    private MigrationRequested read() {
        try (JsonParser json = FACTORY.createParser(raw.value())) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw EventRefusals.malformed(raw, "is not a JSON object", "{\"workload\":...,\"node\":...}");
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                if (json.nextToken() != JsonToken.VALUE_NULL) {
                    field(name, json);
                }
            }
            if (json.nextToken() != null) {
                throw EventRefusals.malformed(raw, "goes on after its JSON object", "one object");
            }
        } catch (JsonProcessingException e) {
            throw EventRefusals.malformed(raw, "is not well-formed JSON", "one flat object in UTF-8", e);
        } catch (IOException e) {
            throw EventRefusals.malformed(raw, "can't be read as JSON", "one flat object in UTF-8", e);
        }
        if (request.getWorkload().isEmpty()) {
            throw EventRefusals.malformed(raw, "names no workload", "a field workload such as \"runc:redis\"");
        }
        if (request.getNode().isEmpty()) {
            throw EventRefusals.malformed(raw, "names no node", "a field node: where the workload is believed to be");
        }
        return request.build();
    }

    private void field(String name, JsonParser json) throws IOException {
        switch (name) {
            case "workload" -> request.setWorkload(text(name, json));
            case "node" -> request.setNode(text(name, json));
            case "destination" -> request.setDestination(text(name, json));
            case "note" -> request.setNote(text(name, json));
            case "reason" -> request.setReason(reason(json));
            case "probability" -> request.setProbability(probability(json));
            case "deadline" -> request.setDeadlineUnixMillis(time(name, json));
            case "validUntil", "valid_until" -> request.setValidUntilUnixMillis(time(name, json));
            case "deadlineUnixMillis", "deadline_unix_millis" -> request.setDeadlineUnixMillis(millis(name, json));
            case "validUntilUnixMillis", "valid_until_unix_millis" ->
                request.setValidUntilUnixMillis(millis(name, json));
            case "dryRun", "dry_run" -> request.setDryRun(flag(name, json));
            default -> throw EventRefusals.malformed(raw, "has the unknown field " + EventRefusals.quote(name), FIELDS);
        }
    }

    private String text(String name, JsonParser json) throws IOException {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw bad(name, json, EXPECTED_TEXT);
        }
        return json.getText();
    }

    /** A word that is neither is refused: what was meant to be dry must not be carried out. */
    private boolean flag(String name, JsonParser json) throws IOException {
        return switch (json.currentToken()) {
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> throw bad(name, json, "true or false");
        };
    }

    private Reason reason(JsonParser json) throws IOException {
        Reason reason = null;
        if (json.currentToken() == JsonToken.VALUE_STRING) {
            String given = json.getText().toUpperCase(Locale.ROOT).replace('-', '_');
            for (Reason known : Reason.values()) {
                reason = known != Reason.UNRECOGNIZED && known.name().equals(given) ? known : reason;
            }
        } else if (json.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            reason = Reason.forNumber(json.getIntValue());
        }
        if (reason == null) {
            throw bad("reason", json, "FAILURE_PREDICTED, REBALANCE, MAINTENANCE or MANUAL");
        }
        return reason;
    }

    private double probability(JsonParser json) throws IOException {
        double probability = Double.NaN;
        try {
            probability = json.currentToken().isNumeric() ? json.getDoubleValue() : Double.parseDouble(json.getText());
        } catch (NumberFormatException e) {
            // NaN is refused below like any other number out of range
        }
        if (!(probability >= 0 && probability <= 1)) {
            throw bad("probability", json, "a number from 0 to 1");
        }
        return probability;
    }

    private long time(String name, JsonParser json) throws IOException {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw bad(name, json, EXPECTED_TIME);
        }
        try {
            return EventHeaderReader.parseTime(json.getText()).toEpochMilli();
        } catch (DateTimeException | ArithmeticException e) {
            throw bad(name, json, EXPECTED_TIME);
        }
    }

    private long millis(String name, JsonParser json) throws IOException {
        try {
            return switch (json.currentToken()) {
                case VALUE_NUMBER_INT -> json.getLongValue();
                case VALUE_STRING -> Long.parseLong(json.getText());
                default -> throw bad(name, json, EXPECTED_MILLIS);
            };
        } catch (NumberFormatException e) {
            throw bad(name, json, EXPECTED_MILLIS);
        }
    }

    private DecampException bad(String name, JsonParser json, String expected) throws IOException {
        return EventRefusals.malformed(raw, "has " + name + " " + EventRefusals.quote(json.getText()), expected);
    }
}
