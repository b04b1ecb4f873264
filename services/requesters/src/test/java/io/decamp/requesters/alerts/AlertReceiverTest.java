package io.decamp.requesters.alerts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.DirectPublisher;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.kafka.TopicAdmin;
import io.decamp.testkit.BrokerProcess;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The receiver as it is run, on a broker in a process of its own. */
class AlertReceiverTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final String SECRET = "0123456789abcdef0123456789abcdef";
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private static Path directory;

    private static BrokerProcess broker;
    private static Path tokenFile;

    @BeforeAll
    static void startABrokerThatKnowsANode() throws IOException {
        broker = BrokerProcess.start(directory.resolve("kafka"));
        Bus bus = Bus.of(KafkaSettings.of(broker.bootstrap()), "test", OpenTelemetry.noop());
        new TopicAdmin(bus).ensure(LIMIT);
        try (DirectPublisher publisher = new DirectPublisher(bus, LIMIT)) {
            publisher.send(EventType.NODES, "n1", NodeAnnounced.newBuilder().setNode("alpha").build()).join();
        }
        tokenFile = Files.writeString(directory.resolve("token"), SECRET + "\n");
    }

    @AfterAll
    static void stop() {
        broker.close();
    }

    private static AlertReceiver receiver(Optional<BearerToken> token) {
        return AlertReceiver.start(
                KafkaSettings.of(broker.bootstrap()), ANY_PORT, token, AlertPolicy.defaults(), line -> {});
    }

    private static HttpRequest.Builder to(AlertReceiver receiver, String path) {
        return HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + receiver.address().getPort() + path));
    }

    private static HttpRequest.Builder notification(AlertReceiver receiver, byte[] body) {
        return to(receiver, "/")
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return HTTP.send(request.timeout(LIMIT).build(), HttpResponse.BodyHandlers.ofString());
    }

    private static byte[] about(String fingerprint) {
        return Notifications.of(
                Notifications.firing(fingerprint, "decamp_node", "alpha", "decamp_workload", "runc:redis"));
    }

    /** How often the request of an alert is on the topic, repetitions included. */
    private static long requests(String fingerprint) {
        Bus bus = Bus.of(KafkaSettings.of(broker.bootstrap()), "test", OpenTelemetry.noop());
        List<String> notes = new CopyOnWriteArrayList<>();
        Subscription all = Subscription.fromBeginning("all")
                .on(EventType.MIGRATION_REQUESTED, e -> notes.add(e.header().id()));
        try (EventConsumer consumer = EventConsumer.observe(bus, all)) {
            consumer.awaitCaughtUp(LIMIT);
            return notes.stream().filter(id -> id.contains("-" + fingerprint + "-")).count();
        }
    }

    @Test
    void shouldRepeatNothingWhenItIsStartedAnew() throws Exception {
        try (AlertReceiver first = receiver(Optional.empty())) {
            assertEquals(200, send(notification(first, about("a1"))).statusCode());
        }
        try (AlertReceiver second = receiver(Optional.empty())) {
            HttpResponse<String> again = send(notification(second, about("a1")));

            assertEquals(200, again.statusCode());
            assertTrue(again.body().contains("\"known\":1"), again::body);
        }
        assertEquals(1, requests("a1"));
    }

    @Test
    void shouldAnswer503WhileTheBrokerIsAwayAndAskOnceWhenItIsBack() throws Exception {
        try (AlertReceiver receiver = receiver(Optional.empty())) {
            broker.kill();
            try {
                HttpResponse<String> inVain = send(notification(receiver, about("a2")));
                assertEquals(503, inVain.statusCode(), inVain::body);
                assertTrue(inVain.body().contains("broker-unreachable"), inVain::body);
                assertEquals(503, send(to(receiver, "/health")).statusCode());
            } finally {
                broker.start();
            }

            HttpResponse<String> answer = send(notification(receiver, about("a2")));

            assertEquals(200, answer.statusCode(), answer::body);
        }
        assertEquals(1, requests("a2"));
    }

    @Test
    void shouldTellItsHealthAndItsCounts() throws Exception {
        try (AlertReceiver receiver = receiver(Optional.empty())) {
            send(notification(receiver, about("a3")));
            send(notification(receiver, about("a3")));

            assertEquals(200, send(to(receiver, "/health")).statusCode());
            String metrics = send(to(receiver, "/metrics")).body();

            assertTrue(metrics.contains("decamp_alerts_total{outcome=\"asked\"} 1\n"), metrics);
            assertTrue(metrics.contains("decamp_alerts_total{outcome=\"known\"} 1\n"), metrics);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/,application/json,405",
        "POST,/health,application/json,405",
        "POST,/api,application/json,404",
        "POST,/,text/plain,415",
        "POST,/,application/json,400"
    })
    void shouldRefuseWhatIsNoNotification(String method, String path, String type, int status) throws Exception {
        try (AlertReceiver receiver = receiver(Optional.empty())) {
            HttpResponse<String> answer = send(to(receiver, path)
                    .header("Content-Type", type)
                    .method(method, HttpRequest.BodyPublishers.ofString("hello")));

            assertEquals(status, answer.statusCode());
        }
    }

    @Test
    void shouldRefuseABodyThatIsTooLong() throws Exception {
        try (AlertReceiver receiver = receiver(Optional.empty())) {
            HttpResponse<String> answer = send(notification(receiver, new byte[AlertServer.MAX_BODY_BYTES + 1]));

            assertEquals(413, answer.statusCode());
        }
    }

    @Test
    void shouldAnswerOthersWhileManySayNothing() throws Exception {
        Socket[] silent = new Socket[20];
        try (AlertReceiver receiver = receiver(Optional.empty())) {
            for (int i = 0; i < silent.length; i++) {
                silent[i] = new Socket("127.0.0.1", receiver.address().getPort());
                silent[i].getOutputStream().write("POST / HTTP/1.1\r\n".getBytes(StandardCharsets.US_ASCII));
            }

            long begin = System.nanoTime();

            assertEquals(200, send(to(receiver, "/metrics")).statusCode());

            long tookSeconds = (System.nanoTime() - begin) / 1_000_000_000;
            assertTrue(tookSeconds < AlertServer.REQUEST_SECONDS / 2, () -> "waited " + tookSeconds + " s");
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'',401",
        "Bearer wrong,401",
        "Basic " + SECRET + ",401",
        "Bearer " + SECRET + ",200",
        "bearer " + SECRET + ",200"
    })
    void shouldTakeNotificationsOnlyFromWhoShowsTheToken(String shown, int status) throws Exception {
        try (AlertReceiver receiver = receiver(Optional.of(BearerToken.read(tokenFile)))) {
            HttpRequest.Builder request = notification(receiver, about("a4"));
            if (!shown.isEmpty()) {
                request.header("Authorization", shown);
            }

            assertEquals(status, send(request).statusCode());
        }
    }

    @Test
    void shouldNotListenToTheNetworkWithoutAToken() {
        InetSocketAddress everywhere = new InetSocketAddress("0.0.0.0", 0);

        DecampException refusal = assertThrows(
                DecampException.class,
                () -> AlertReceiver.start(
                        KafkaSettings.of(broker.bootstrap()),
                        everywhere,
                        Optional.empty(),
                        AlertPolicy.defaults(),
                        line -> {}));

        assertEquals("token-missing", refusal.code());
    }

    @Test
    void shouldSayThatItsPortIsTaken() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            InetSocketAddress taken = new InetSocketAddress(other.getInetAddress(), other.getLocalPort());

            DecampException refusal = assertThrows(
                    DecampException.class,
                    () -> AlertReceiver.start(
                            KafkaSettings.of(broker.bootstrap()),
                            taken,
                            Optional.empty(),
                            AlertPolicy.defaults(),
                            line -> {}));

            assertEquals("port-taken", refusal.code());
        }
    }

    @ParameterizedTest
    @CsvSource({"short", "'two words of a passphrase'", "''"})
    void shouldRefuseATokenThatCantBeOne(String text) throws IOException {
        Path file = Files.writeString(directory.resolve("bad-token"), text);

        DecampException refusal = assertThrows(DecampException.class, () -> BearerToken.read(file));

        assertEquals("token-unusable", refusal.code());
    }

    @Test
    void shouldNotStartWithoutABroker() {
        DecampException refusal = assertThrows(
                DecampException.class,
                () -> AlertReceiver.start(
                        KafkaSettings.of("127.0.0.1:1"), ANY_PORT, Optional.empty(), AlertPolicy.defaults(), l -> {}));

        assertEquals("broker-unreachable", refusal.code());
    }
}
