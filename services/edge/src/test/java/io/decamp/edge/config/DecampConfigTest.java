package io.decamp.edge.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class DecampConfigTest {
    private static final Path EXAMPLE = Path.of("../../deploy/config/node.properties");
    private static final Map<String, String> LEAST = Map.of(
            "decamp.node", "alpha",
            "decamp.state-directory", "/s",
            "decamp.memory-directory", "/m",
            "decamp.kafka.bootstrap-servers", "broker:9092");

    @Test
    void shouldNeedNoMoreThanThePlacesOfANode() {
        DecampConfig config = read(LEAST);

        assertEquals("/decamp/alpha", config.cgroupPrefix());
        assertEquals("criu", config.criu());
        assertEquals("127.0.0.1:7200", config.data().listen());
        assertEquals(Optional.empty(), config.data().advertise());
        assertEquals(64L << 20, config.restore().lazyFromBytes());
        assertEquals(Map.of(), config.kafka().client());
    }

    @Test
    void shouldRefuseASettingThatDoesNotExist() {
        DecampException refused = refusal(with("decamp.data.lisden", "0.0.0.0:7200"));

        assertEquals("setting-unknown", refused.code());
        assertTrue(refused.getMessage().contains("decamp.data.lisden"), refused.getMessage());
    }

    @Test
    void shouldNameASettingThatIsMissing() {
        for (String name : LEAST.keySet()) {
            Map<String, String> less = new HashMap<>(LEAST);
            less.remove(name);

            DecampException refused = refusal(less);

            assertEquals("setting-missing", refused.code());
            assertTrue(refused.getMessage().contains(name), refused.getMessage());
        }
    }

    @Test
    void shouldRefuseANumberThatIsNone() {
        for (String value : new String[] {"1g", "-1", "0x10", "1.5"}) {
            assertEquals("setting-malformed", refusal(with("decamp.data.max-replica-bytes", value)).code(), value);
        }
    }

    @Test
    void shouldPassQuotedSettingsOnToKafka() {
        DecampConfig config = read(with("decamp.kafka.client.\"security.protocol\"", "SSL"));

        assertEquals(Map.of("security.protocol", "SSL"), config.kafka().client());
    }

    @Test
    void shouldReadTheExample() throws IOException {
        Properties example = new Properties();
        try (Reader in = Files.newBufferedReader(EXAMPLE)) {
            example.load(in);
        }
        Map<String, String> all = new HashMap<>(Map.of("DECAMP_KAFKA_PASSWORD", "secret"));
        example.stringPropertyNames().forEach(name -> all.put(name, example.getProperty(name)));

        DecampConfig config = read(all);

        assertEquals("secret", config.kafka().client().get("ssl.keystore.password"));
        assertEquals(Optional.of("alpha.example:7200"), config.data().advertise());
    }

    private static Map<String, String> with(String name, String value) {
        Map<String, String> more = new HashMap<>(LEAST);
        more.put(name, value);
        return more;
    }

    private static DecampException refusal(Map<String, String> settings) {
        return assertThrows(DecampException.class, () -> read(settings));
    }

    private static DecampConfig read(Map<String, String> settings) {
        return DecampConfig.read(new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .withSources(new PropertiesConfigSource(settings, "test", 100))
                .build());
    }
}
