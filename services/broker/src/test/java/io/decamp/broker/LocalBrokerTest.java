package io.decamp.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalBrokerTest {
    /** Kafka tells its life at INFO. Held here, for the log manager holds loggers weakly. */
    private static final List<Logger> QUIET =
            Stream.of("org.apache.kafka", "kafka").map(Logger::getLogger).toList();

    @BeforeAll
    static void beQuiet() {
        QUIET.forEach(logger -> logger.setLevel(Level.WARNING));
    }

    @Test
    void shouldSayThatItsAddressIsTaken(@TempDir Path one, @TempDir Path other) {
        try (LocalBroker first = LocalBroker.start(one, Endpoint.loopback())) {
            Endpoint taken = Endpoint.parse(first.bootstrap());

            var failure =
                    assertThrows(LocalBroker.BrokerFailedException.class, () -> LocalBroker.start(other, taken));

            assertTrue(failure.getMessage().contains(taken.toString()), failure::getMessage);
        }
    }

    @Test
    void shouldKeepItsTopicsAndItsAddressOverARestart(@TempDir Path directory) throws Exception {
        Endpoint endpoint = Endpoint.loopback().resolved();
        try (LocalBroker broker = LocalBroker.start(directory, endpoint);
                Admin admin = admin(broker)) {
            admin.createTopics(List.of(new NewTopic("kept", 1, (short) 1))).all().get(30, TimeUnit.SECONDS);
        }

        try (LocalBroker again = LocalBroker.start(directory, endpoint);
                Admin admin = admin(again)) {
            assertEquals(endpoint.toString(), again.bootstrap());
            assertEquals(Set.of("kept"), admin.listTopics().names().get(30, TimeUnit.SECONDS));
        }
    }

    @Test
    void shouldNotShareADirectoryWithAnotherBroker(@TempDir Path directory) {
        try (LocalBroker first = LocalBroker.start(directory, Endpoint.loopback())) {
            var failure = assertThrows(
                    LocalBroker.BrokerFailedException.class, () -> LocalBroker.start(directory, Endpoint.loopback()));

            assertTrue(failure.getMessage().contains(directory.toString()), failure::getMessage);
            assertTrue(first.bootstrap().startsWith("127.0.0.1:"));
        }
    }

    @Test
    void shouldSayWhyADirectoryIsNotUsable(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "in the way");

        var failure = assertThrows(
                LocalBroker.BrokerFailedException.class, () -> LocalBroker.start(file, Endpoint.loopback()));

        assertTrue(failure.getMessage().contains(file.toString()), failure::getMessage);
    }

    private static Admin admin(LocalBroker broker) {
        return Admin.create(Map.of("bootstrap.servers", broker.bootstrap()));
    }
}
