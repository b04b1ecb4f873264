package io.decamp.requesters.alerts;

import io.decamp.testkit.Await;
import io.decamp.testkit.Tools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** A real Alertmanager, alone, with a storage directory of its own. */
final class AlertmanagerProcess implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Process process;
    private final String url;
    private final Path log;
    private final Thread atExit = new Thread(this::kill, "end-of-alertmanager");

    private AlertmanagerProcess(Process process, String url, Path log) {
        this.process = process;
        this.url = url;
        this.log = log;
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** Returns when it is ready. */
    static AlertmanagerProcess start(Path directory, String config) throws IOException {
        Path file = Files.writeString(directory.resolve("alertmanager.yml"), config);
        Path log = directory.resolve("alertmanager.log");
        String address = "127.0.0.1:" + freePort();
        Process process = new ProcessBuilder(
                        Tools.program("prometheus-alertmanager").orElseThrow().toString(),
                        "--config.file=" + file,
                        "--storage.path=" + directory.resolve("alertmanager"),
                        "--web.listen-address=" + address,
                        // no others to talk to
                        "--cluster.listen-address=")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        AlertmanagerProcess alertmanager = new AlertmanagerProcess(process, "http://" + address, log);
        try {
            Await.until(alertmanager::log, LIMIT, () -> alertmanager.status("/-/ready") == 200);
            return alertmanager;
        } catch (AssertionError e) {
            alertmanager.close();
            throw e;
        }
    }

    /** As Prometheus posts alerts. */
    void post(String alerts) throws IOException, InterruptedException {
        HttpResponse<String> answer = HTTP.send(
                HttpRequest.newBuilder(URI.create(url + "/api/v2/alerts"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(alerts))
                        .timeout(LIMIT)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new AssertionError("Alertmanager answered " + answer.statusCode() + ": " + answer.body());
        }
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
        Runtime.getRuntime().removeShutdownHook(atExit);
    }

    private void kill() {
        process.destroyForcibly().onExit().join();
    }

    private int status(String path) {
        try {
            return HTTP.send(
                            HttpRequest.newBuilder(URI.create(url + path)).timeout(LIMIT).build(),
                            HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        } catch (IOException e) {
            return 0;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }
}
