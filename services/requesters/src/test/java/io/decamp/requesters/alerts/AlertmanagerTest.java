package io.decamp.requesters.alerts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.event.Event;
import io.decamp.contracts.event.EventType;
import io.decamp.contracts.v1.MigrationRequested;
import io.decamp.contracts.v1.NodeAnnounced;
import io.decamp.contracts.v1.Reason;
import io.decamp.edge.kafka.Bus;
import io.decamp.edge.kafka.DirectPublisher;
import io.decamp.edge.kafka.EventConsumer;
import io.decamp.edge.kafka.KafkaSettings;
import io.decamp.edge.kafka.Subscription;
import io.decamp.edge.kafka.TopicAdmin;
import io.decamp.testkit.Await;
import io.decamp.testkit.BrokerProcess;
import io.decamp.testkit.Command;
import io.decamp.testkit.Host;
import io.decamp.testkit.Repository;
import io.decamp.testkit.Tools;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The samples in {@code deploy/alertmanager} with a real Alertmanager, a real receiver and a real broker; the rules in
 * Prometheus' own tool.
 */
class AlertmanagerTest {
    private static final Path SAMPLES = Repository.root().resolve("deploy/alertmanager");
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final String SECRET = "fedcba9876543210fedcba9876543210";

    @TempDir
    private static Path directory;

    private static BrokerProcess broker;
    private static AlertReceiver receiver;
    private static AlertmanagerProcess alertmanager;
    private static EventConsumer reader;
    private static final List<Event<MigrationRequested>> REQUESTS = new CopyOnWriteArrayList<>();

    @BeforeAll
    static void startAll() throws IOException {
        // to give it a /usr/share of its own
        Host.requireRoot();
        Host.requireProgram("prometheus-alertmanager");
        Host.requireProgram("promtool");
        broker = BrokerProcess.start(directory.resolve("kafka"));
        Bus bus = Bus.of(KafkaSettings.of(broker.bootstrap()), "test", OpenTelemetry.noop());
        new TopicAdmin(bus).ensure(LIMIT);
        try (DirectPublisher publisher = new DirectPublisher(bus, LIMIT)) {
            for (String node : List.of("alpha", "beta")) {
                publisher
                        .send(EventType.NODES, node, NodeAnnounced.newBuilder().setNode(node).build())
                        .join();
            }
        }
        reader = EventConsumer.observe(
                bus, Subscription.fromBeginning("reader").on(EventType.MIGRATION_REQUESTED, REQUESTS::add));
        Path token = Files.writeString(directory.resolve("token"), SECRET);
        receiver = AlertReceiver.start(
                KafkaSettings.of(broker.bootstrap()),
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Optional.of(BearerToken.read(token)),
                AlertPolicy.defaults(),
                System.out::println);
        alertmanager = AlertmanagerProcess.start(directory, sampleConfig(token));
    }

    @AfterAll
    static void stopAll() {
        if (alertmanager != null) {
            alertmanager.close();
        }
        if (receiver != null) {
            receiver.close();
        }
        if (reader != null) {
            reader.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    /** The sample, with its token, its address, and an hour as two seconds. */
    private static String sampleConfig(Path token) throws IOException {
        return Files.readString(SAMPLES.resolve("alertmanager.yml"))
                .replaceAll("(?m)^( +)# (http_config:|  authorization:|    credentials_file:)", "$1$2")
                .replace("/etc/alertmanager/decamp.token", token.toString())
                .replace("127.0.0.1:9098", "127.0.0.1:" + receiver.address().getPort())
                .replace("group_interval: 15s", "group_interval: 1s")
                .replace("repeat_interval: 1h", "repeat_interval: 2s");
    }

    /** @param endsAt when Prometheus, silent from now on, lets Alertmanager take it for resolved */
    private static String alert(String name, String instance, Instant endsAt) {
        return """
                [{"labels": {"alertname": "%s", "instance": "%s", "severity": "critical", "decamp": "failure-predicted",
                             "decamp_probability": "0.9", "decamp_lead_time": "4h"},
                  "annotations": {"summary": "a summary", "decamp_workload": "runc:redis"}, "endsAt": "%s"}]
                """
                .formatted(name, instance, endsAt);
    }

    private static Instant inAnHour() {
        return Instant.now().plusSeconds(3600);
    }

    private static List<Event<MigrationRequested>> requestsBy(String name) {
        return REQUESTS.stream().filter(e -> e.data().getNote().startsWith(name + ":")).toList();
    }

    private static long count(String metric) {
        try {
            String metrics = HTTP.send(
                            HttpRequest.newBuilder(URI.create(
                                            "http://127.0.0.1:" + receiver.address().getPort() + "/metrics"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            Matcher line = Pattern.compile("(?m)^" + Pattern.quote(metric) + " ([0-9]+)$").matcher(metrics);
            assertTrue(line.find(), metrics);
            return Long.parseLong(line.group(1));
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldMakeOneRequestOfAnAlertThatIsRepeated() throws Exception {
        Instant begin = Instant.now();
        long known = count("decamp_alerts_total{outcome=\"known\"}");

        alertmanager.post(alert("MemoryWillFail", "alpha:9100", inAnHour()));

        Await.until(alertmanager::log, LIMIT, () -> count("decamp_alerts_total{outcome=\"known\"}") >= known + 2);
        Await.until("the request", LIMIT, () -> !requestsBy("MemoryWillFail").isEmpty());
        assertEquals(1, requestsBy("MemoryWillFail").size());
        Event<MigrationRequested> event = requestsBy("MemoryWillFail").getFirst();
        MigrationRequested request = event.data();
        assertEquals("/alerts", event.header().source());
        assertEquals("alpha", request.getNode());
        assertEquals("runc:redis", request.getWorkload());
        assertEquals(Reason.FAILURE_PREDICTED, request.getReason());
        assertEquals(0.9, request.getProbability());
        assertEquals("MemoryWillFail: a summary", request.getNote());
        assertTrue(request.getDeadlineUnixMillis() >= begin.plusSeconds(4 * 3600).toEpochMilli() - 1000);
        assertTrue(request.getValidUntilUnixMillis() > begin.toEpochMilli());
        alertmanager.post(alert("MemoryWillFail", "alpha:9100", Instant.now()));
    }

    @Test
    void shouldMakeOneRequestOfAnAlertThatWasFiredWhileTheBrokerWasAway() throws Exception {
        broker.kill();
        try {
            alertmanager.post(alert("HeatWillSwitchOff", "beta:9100", inAnHour()));
            Await.until(
                    alertmanager::log,
                    LIMIT,
                    () -> count("decamp_alert_notifications_failed_total{reason=\"broker\"}") > 0);
        } finally {
            broker.start();
        }

        Await.until(alertmanager::log, LIMIT, () -> !requestsBy("HeatWillSwitchOff").isEmpty());
        long known = count("decamp_alerts_total{outcome=\"known\"}");
        Await.until(alertmanager::log, LIMIT, () -> count("decamp_alerts_total{outcome=\"known\"}") >= known + 2);
        assertEquals(1, requestsBy("HeatWillSwitchOff").size());
        assertEquals("beta", requestsBy("HeatWillSwitchOff").getFirst().data().getNode());
    }

    @Test
    void shouldHandTheReasonOfARefusalToAlertmanagersLog() throws Exception {
        alertmanager.post(alert("RootFileSystemWillBeFull", "gamma:9100", inAnHour()));

        Await.until(
                alertmanager::log,
                LIMIT,
                () -> alertmanager.log().contains("422") && alertmanager.log().contains("unknown-node"));
        assertEquals(List.of(), requestsBy("RootFileSystemWillBeFull"));
        alertmanager.post(alert("RootFileSystemWillBeFull", "gamma:9100", Instant.now()));
    }

    @Test
    void shouldFireTheSampleRulesWhenAndOnlyWhenTheyShould() {
        Command.run(
                        Tools.program("promtool").orElseThrow().toString(),
                        "test",
                        "rules",
                        SAMPLES.resolve("failure-prediction.test.yml").toString())
                .check();
    }
}
