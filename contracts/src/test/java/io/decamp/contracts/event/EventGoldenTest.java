package io.decamp.contracts.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.google.protobuf.Message;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The bytes of every version, frozen: records of it lie in topics that never expire. */
class EventGoldenTest {
    /** Columns of hex in a golden file. */
    private static final int HEX_COLUMNS = 100;

    static List<EventSamples.Sample<?>> samples() {
        return EventSamples.all();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldWriteTheGoldenBytes(EventSamples.Sample<?> sample) {
        String written = render(sample.encode());

        assertEquals(golden(sample.file()), written);
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldReadTheGoldenBytes(EventSamples.Sample<?> sample) {
        RawEvent raw = parse(sample.type().topic(), golden(sample.file()));

        Event<? extends Message> event = EventCodec.decode(sample.type(), raw);

        assertEquals(sample.header(), event.header());
        assertEquals(sample.data(), event.data());
    }

    @Test
    void shouldReadTheGoldenJson() {
        byte[] json = golden("migration-requested.v1.json").getBytes(StandardCharsets.UTF_8);

        var event = EventCodec.decode(EventType.MIGRATION_REQUESTED, RawEvents.bare(Topics.MIGRATION_REQUESTED, json));

        assertEquals(EventSamples.REQUEST, event.data());
    }

    @Test
    void shouldParseWhatItRenders() {
        EncodedEvent encoded = EventSamples.all().getFirst().encode();

        RawEvent parsed = parse(encoded.topic(), render(encoded));

        assertArrayEquals(encoded.value(), parsed.value());
        assertEquals(encoded.key(), parsed.key());
    }

    /** Key, headers in order, an empty line, and the value in hex. */
    private static String render(EncodedEvent event) {
        StringBuilder text = new StringBuilder("key: ").append(event.key()).append('\n');
        event.headers()
                .forEach((name, value) -> text.append(name)
                        .append(": ")
                        .append(new String(value, StandardCharsets.UTF_8))
                        .append('\n'));
        String hex = HexFormat.of().formatHex(event.value());
        text.append('\n');
        for (int i = 0; i < hex.length(); i += HEX_COLUMNS) {
            text.append(hex, i, Math.min(hex.length(), i + HEX_COLUMNS)).append('\n');
        }
        return text.toString();
    }

    private static RawEvent parse(String topic, String golden) {
        SequencedMap<String, byte[]> headers = new LinkedHashMap<>();
        String[] parts = golden.split("\n\n", 2);
        for (String line : parts[0].split("\n")) {
            String[] pair = line.split(": ", 2);
            headers.put(pair[0], pair[1].getBytes(StandardCharsets.UTF_8));
        }
        String key = new String(headers.remove("key"), StandardCharsets.UTF_8);
        byte[] value = HexFormat.of().parseHex(parts[1].replace("\n", ""));
        return new RawEvent(topic, 0, 0, Instant.EPOCH, headers, key, value);
    }

    private static String golden(String name) {
        try (InputStream in = EventGoldenTest.class.getResourceAsStream("/golden/" + name)) {
            assertNotNull(in, () -> "golden/" + name + " is missing");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError("golden/" + name + " can't be read", e);
        }
    }
}
