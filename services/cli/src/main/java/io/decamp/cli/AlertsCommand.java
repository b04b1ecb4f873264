package io.decamp.cli;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.NodeId;
import io.decamp.requesters.alerts.AlertPolicy;
import io.decamp.requesters.alerts.AlertReceiver;
import io.decamp.requesters.alerts.BearerToken;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lets a Prometheus Alertmanager ask for moves. Runs until it is ended by a signal. */
@Command(
        name = "alerts",
        description = "Receives webhooks of a Prometheus Alertmanager, and turns alerts that predict a failure of a"
                + " node into requests to move what runs there.")
final class AlertsCommand implements Callable<Integer> {
    private static final Pattern ADDRESS = Pattern.compile("(?:\\[([0-9A-Fa-f:.]+)]|([^:\\[\\]]+)):([0-9]{1,5})");
    private static final int MAX_PORT = 65_535;

    @Mixin
    private ClientOptions client;

    @Mixin
    private HelpOption help;

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            description = "where Alertmanager posts to (default: ${DEFAULT-VALUE}); off loopback only with a token")
    private String listen = "127.0.0.1:9098";

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description = "holds the token that must be shown (http_config.authorization of Alertmanager)")
    private Path tokenFile;

    @Option(
            names = "--probability-label",
            paramLabel = "NAME",
            description = "label or annotation with the probability of the failure (default: ${DEFAULT-VALUE})")
    private String probabilityLabel = AlertPolicy.DEFAULT_PROBABILITY_NAME;

    @Option(
            names = "--min-probability",
            paramLabel = "P",
            description = "asks for nothing below it; 0 to 1 (default: ${DEFAULT-VALUE}: the rule has decided)")
    private double minProbability;

    @Option(
            names = "--valid-for",
            paramLabel = "DURATION",
            description = "how long a request holds, such as 90s or 5min (default: ${DEFAULT-VALUE})")
    private String validFor = "60s";

    @Option(
            names = "--map",
            paramLabel = "INSTANCE=NODE",
            description = "which node an instance is, for alerts without the label decamp_node; may be repeated")
    private Map<String, String> nodes = Map.of();

    @Override
    public Integer call() throws InterruptedException {
        AlertReceiver receiver = start();
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            receiver.close();
                            say("stopped");
                            ended.countDown();
                        },
                        "end-of-alerts"));
        say("listening on " + receiver.address().getAddress().getHostAddress() + ":"
                + receiver.address().getPort());
        ended.await();
        return ExitCode.DONE;
    }

    private AlertReceiver start() {
        try {
            Optional<BearerToken> token = Optional.ofNullable(tokenFile).map(BearerToken::read);
            return AlertReceiver.start(client.settings(), address(), token, policy(), AlertsCommand::say);
        } catch (DecampException e) {
            throw new CannotStartException(e);
        }
    }

    private AlertPolicy policy() {
        Map<String, NodeId> map = new HashMap<>();
        nodes.forEach((instance, node) -> map.put(instance, new NodeId(node)));
        return new AlertPolicy(probabilityLabel, minProbability, Quantity.time(validFor), map);
    }

    private InetSocketAddress address() {
        Matcher m = ADDRESS.matcher(listen);
        if (!m.matches() || Integer.parseInt(m.group(3)) > MAX_PORT) {
            throw DecampException.refused(
                    "bad-option", "'" + listen + "' is no address to listen on", "Write it like 127.0.0.1:9098");
        }
        return new InetSocketAddress(m.group(1) != null ? m.group(1) : m.group(2), Integer.parseInt(m.group(3)));
    }

    private static void say(String line) {
        System.out.println(Instant.now().truncatedTo(ChronoUnit.MILLIS) + " " + line);
    }
}
