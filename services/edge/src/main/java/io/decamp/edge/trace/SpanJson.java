package io.decamp.edge.trace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/** A span as one line of JSON. Unknown fields are passed over, so that newer nodes' spans can be read. */
final class SpanJson {
    /** Attributes are names and numbers; a longer text is for the log. */
    private static final int MAX_TEXT_CHARS = 512;

    private static final JsonFactory FACTORY = new JsonFactory();

    private SpanJson() {}

    static String write(SpanData span) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("traceId", span.getTraceId());
            json.writeStringField("spanId", span.getSpanId());
            json.writeStringField("parentSpanId", span.getParentSpanContext().isValid() ? span.getParentSpanId() : "");
            json.writeStringField("name", cut(span.getName()));
            json.writeStringField("kind", span.getKind().name());
            json.writeStringField("service", resource(span, Tracing.SERVICE));
            json.writeStringField("node", resource(span, Tracing.NODE));
            json.writeNumberField("startUnixNanos", span.getStartEpochNanos());
            json.writeNumberField("endUnixNanos", span.getEndEpochNanos());
            json.writeStringField("error", error(span));
            json.writeObjectFieldStart("attributes");
            for (Map.Entry<AttributeKey<?>, Object> attribute :
                    span.getAttributes().asMap().entrySet()) {
                json.writeStringField(
                        attribute.getKey().getKey(), cut(attribute.getValue().toString()));
            }
            json.writeEndObject();
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("Span " + span.getSpanId() + " can't be written as JSON", e);
        }
        return text.toString();
    }

    /** @throws IOException the line is no span, such as the half-written last one of a crashed service */
    static StoredSpan read(String line) throws IOException {
        Map<String, String> fields = new HashMap<>();
        Map<String, String> attributes = new HashMap<>();
        try (JsonParser json = FACTORY.createParser(line)) {
            expect(json.nextToken(), JsonToken.START_OBJECT, line);
            readFields(json, fields, attributes, line);
        }
        try {
            return new StoredSpan(
                    required(fields, "traceId"),
                    required(fields, "spanId"),
                    fields.getOrDefault("parentSpanId", ""),
                    required(fields, "name"),
                    fields.getOrDefault("kind", "INTERNAL"),
                    fields.getOrDefault("service", ""),
                    fields.getOrDefault("node", ""),
                    Long.parseLong(required(fields, "startUnixNanos")),
                    Long.parseLong(required(fields, "endUnixNanos")),
                    fields.getOrDefault("error", ""),
                    attributes);
        } catch (NumberFormatException e) {
            throw new IOException("A time is no whole number: " + cut(line), e);
        }
    }

    private static void readFields(
            JsonParser json, Map<String, String> fields, Map<String, String> attributes, String line)
            throws IOException {
        for (JsonToken token = json.nextToken(); token != JsonToken.END_OBJECT; token = json.nextToken()) {
            expect(token, JsonToken.FIELD_NAME, line);
            String name = json.currentName();
            JsonToken value = json.nextToken();
            if (value == JsonToken.START_OBJECT && name.equals("attributes")) {
                readFields(json, attributes, new HashMap<>(), line);
            } else if (value.isStructStart()) {
                json.skipChildren();
            } else {
                fields.put(name, json.getText());
            }
        }
    }

    private static void expect(JsonToken token, JsonToken wanted, String line) throws IOException {
        if (token != wanted) {
            throw new IOException("Expected " + wanted + " but found " + token + ": " + cut(line));
        }
    }

    private static String required(Map<String, String> fields, String name) throws IOException {
        String value = fields.get(name);
        if (value == null) {
            throw new IOException("A span has no " + name);
        }
        return value;
    }

    private static String error(SpanData span) {
        return switch (span.getStatus().getStatusCode()) {
            case ERROR -> {
                String description = span.getStatus().getDescription();
                yield description.isEmpty() ? "failed" : cut(description);
            }
            case OK, UNSET -> "";
        };
    }

    private static String resource(SpanData span, AttributeKey<String> key) {
        String value = span.getResource().getAttribute(key);
        return value == null ? "" : value;
    }

    private static String cut(String text) {
        return text.length() <= MAX_TEXT_CHARS ? text : text.substring(0, MAX_TEXT_CHARS);
    }
}
