package io.decamp.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @Test
    void shouldTellClientsAnotherAddressThanItListensOn() {
        Main.Arguments arguments = Main.Arguments.parse(
                new String[] {"--dir", "/d", "--listen", "0.0.0.0:9092", "--advertise", "10.0.0.1:9092"});

        assertEquals(Path.of("/d"), arguments.directory());
        assertEquals(new Endpoint("0.0.0.0", 9092), arguments.listen());
        assertEquals(new Endpoint("10.0.0.1", 9092), arguments.advertised());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "--dir", "--dir /d", "--listen 127.0.0.1:1", "--dir /d --listen 1:2 --port 3"})
    void shouldRefuseArguments(String line) {
        String[] arguments = line.isEmpty() ? new String[0] : line.split(" ");

        assertThrows(IllegalArgumentException.class, () -> Main.Arguments.parse(arguments));
    }

    @ParameterizedTest
    @ValueSource(strings = {"9092", ":9092", "host:", "host:x", "host:-1", "host:65536"})
    void shouldRefuseAddress(String text) {
        var refusal = assertThrows(IllegalArgumentException.class, () -> Endpoint.parse(text));

        assertTrue(refusal.getMessage().contains("HOST:PORT"), refusal::getMessage);
    }

    @Test
    void shouldReadAnAddressInBrackets() {
        assertEquals(new Endpoint("[::1]", 9092), Endpoint.parse("[::1]:9092"));
    }
}
