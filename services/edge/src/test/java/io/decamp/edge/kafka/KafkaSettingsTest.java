package io.decamp.edge.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaSettingsTest {
    @Test
    void shouldPassSecuritySettingsThrough(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("client.properties");
        Files.writeString(file, """
            bootstrap.servers=one:9092,two:9092
            security.protocol=SASL_SSL
            sasl.mechanism=SCRAM-SHA-512
            """);

        KafkaSettings settings = KafkaSettings.load(file);

        assertEquals("one:9092,two:9092", settings.bootstrap());
        assertEquals("SASL_SSL", settings.common("x").get("security.protocol"));
        assertEquals("SCRAM-SHA-512", settings.common("x").get("sasl.mechanism"));
    }

    @Test
    void shouldRefuseToWeakenWhatTheHandOffReliesOn() {
        DecampException refusal =
                assertThrows(DecampException.class, () -> new KafkaSettings("one:9092", Map.of("acks", "1")));

        assertEquals("kafka-setting-fixed", refusal.code());
        assertTrue(refusal.getMessage().contains("acks"), refusal::getMessage);
    }

    @Test
    void shouldRefuseAFileWithoutBrokers(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("client.properties");
        Files.writeString(file, "security.protocol=SSL\n");

        assertEquals(
                "kafka-bootstrap-missing",
                assertThrows(DecampException.class, () -> KafkaSettings.load(file))
                        .code());
    }

    @Test
    void shouldNameTheFileThatItCanNotRead(@TempDir Path directory) {
        Path file = directory.resolve("missing.properties");

        DecampException refusal = assertThrows(DecampException.class, () -> KafkaSettings.load(file));

        assertEquals("kafka-settings-unreadable", refusal.code());
        assertTrue(refusal.getMessage().contains("missing.properties"), refusal::getMessage);
    }
}
