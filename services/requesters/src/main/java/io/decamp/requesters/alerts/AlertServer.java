package io.decamp.requesters.alerts;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.decamp.contracts.error.DecampException;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * HTTP around {@link AlertIntake}: {@code POST /}, {@code GET /health}, {@code GET /metrics}. Everything is bounded:
 * body, connections, and the time that a sender may take.
 */
final class AlertServer implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(AlertServer.class);

    /** A thousand alerts with long annotations; more at once is not about single nodes. */
    static final int MAX_BODY_BYTES = 1 << 20;
    /** A thread each. A few Alertmanagers have one under way each; beyond these one is closed, and comes again. */
    private static final int CONNECTIONS = 64;
    /** A sender may take so long for his whole request. */
    static final int REQUEST_SECONDS = 10;
    /** And for reading the answer. */
    private static final int RESPONSE_SECONDS = 30;
    /** What a request in progress may take on to finish: longer than a broker is waited for. */
    private static final int STOP_SECONDS = 6;

    private static final int UNAUTHORISED = 401;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int TOO_LARGE = 413;
    private static final int NOT_JSON = 415;
    private static final int BROKEN = 500;

    private static final ObjectMapper JSON = new ObjectMapper();

    static {
        // module jdk.httpserver reads these when its first server is made
        System.setProperty("sun.net.httpserver.maxReqTime", Integer.toString(REQUEST_SECONDS));
        System.setProperty("sun.net.httpserver.maxRspTime", Integer.toString(RESPONSE_SECONDS));
        System.setProperty("jdk.httpserver.maxConnections", Integer.toString(CONNECTIONS));
    }

    private final AlertIntake intake;
    private final AlertCounters counters;
    private final Optional<BearerToken> token;
    private final BooleanSupplier brokerAnswers;
    private final ExecutorService threads;
    private final HttpServer server;

    private AlertServer(
            HttpServer server,
            AlertIntake intake,
            AlertCounters counters,
            Optional<BearerToken> token,
            BooleanSupplier brokerAnswers) {
        this.server = server;
        this.intake = intake;
        this.counters = counters;
        this.token = token;
        this.brokerAnswers = brokerAnswers;
        // not a few threads: the JDK's server gives one to who has sent half a line and waits
        this.threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("alerts-", 0).factory());
        server.setExecutor(threads);
        server.createContext("/", guarded("/", "POST", this::notification));
        server.createContext("/health", guarded("/health", "GET", this::health));
        server.createContext("/metrics", guarded("/metrics", "GET", this::metrics));
    }

    /**
     * Listens before it returns; answers after {@link #start}.
     *
     * @throws DecampException {@code token-missing}: others than this machine could ask; {@code port-taken};
     *     {@code cannot-listen}
     */
    static HttpServer bind(InetSocketAddress address, Optional<BearerToken> token) {
        if (address.isUnresolved()) {
            throw DecampException.refused(
                    "cannot-listen",
                    "No address is known for " + address.getHostString(),
                    "Give HOST:PORT of this machine");
        }
        if (!address.getAddress().isLoopbackAddress() && token.isEmpty()) {
            throw DecampException.refused(
                    "token-missing",
                    "On " + text(address) + " every machine of the network could empty a node",
                    "Give --token-file FILE, or listen on 127.0.0.1");
        }
        try {
            return HttpServer.create(address, 0);
        } catch (BindException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "port-taken",
                    "Can't listen on " + text(address),
                    "Something else listens there, or it is no address of this machine: give another --listen",
                    e);
        } catch (IOException e) {
            throw new DecampException(
                    DecampException.Category.REFUSED,
                    "cannot-listen",
                    "Can't listen on " + text(address),
                    "Give another --listen",
                    e);
        }
    }

    static AlertServer start(
            HttpServer bound,
            AlertIntake intake,
            AlertCounters counters,
            Optional<BearerToken> token,
            BooleanSupplier brokerAnswers) {
        AlertServer server = new AlertServer(bound, intake, counters, token, brokerAnswers);
        bound.start();
        return server;
    }

    InetSocketAddress address() {
        return server.getAddress();
    }

    /** Lets what is in progress finish. */
    @Override
    public void close() {
        server.stop(STOP_SECONDS);
        threads.shutdownNow();
    }

    @FunctionalInterface
    private interface Page {
        void answer(HttpExchange exchange) throws IOException;
    }

    /** Path, method and token, and that a defect is an answer, too: 500, so that Alertmanager tries again. */
    private HttpHandler guarded(String path, String method, Page page) {
        return exchange -> {
            try {
                String asked = exchange.getRequestURI().getPath();
                if (!asked.equals(path)) {
                    say(exchange, NOT_FOUND, error("no-such-path", "There is no " + asked));
                } else if (!exchange.getRequestMethod().equals(method)) {
                    exchange.getResponseHeaders().set("Allow", method);
                    say(exchange, NOT_ALLOWED, error("no-such-method", path + " is for " + method));
                } else {
                    page.answer(exchange);
                }
            } catch (RuntimeException e) {
                LOG.errorf(e, "A request for %s met a defect", path);
                say(exchange, BROKEN, error("handler-failed", "See the receiver's log"));
            } finally {
                exchange.close();
            }
        };
    }

    private void notification(HttpExchange exchange) throws IOException {
        String shown = exchange.getRequestHeaders().getFirst("Authorization");
        if (token.isPresent() && !token.get().isShownBy(shown)) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
            say(exchange, UNAUTHORISED, error("not-authorised", "The token of --token-file was not shown"));
            return;
        }
        // a browser asks before it sends this type to a foreign site, and is not answered
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        if (type == null || !type.split(";", 2)[0].strip().equalsIgnoreCase("application/json")) {
            say(exchange, NOT_JSON, error("alert-malformed", "The content type is " + type + ", not application/json"));
            return;
        }
        byte[] body;
        try (InputStream in = exchange.getRequestBody()) {
            body = in.readNBytes(MAX_BODY_BYTES + 1);
        }
        if (body.length > MAX_BODY_BYTES) {
            say(exchange, TOO_LARGE, error("alert-oversized", "The body has more than " + MAX_BODY_BYTES + " bytes"));
            return;
        }
        AlertIntake.Answer answer = intake.take(body);
        say(exchange, answer.status(), json(answer));
    }

    private void health(HttpExchange exchange) throws IOException {
        boolean up = brokerAnswers.getAsBoolean();
        ObjectNode json = JSON.createObjectNode().put("status", up ? "UP" : "DOWN").put("broker", up ? "UP" : "DOWN");
        say(exchange, up ? AlertIntake.OK : AlertIntake.UNAVAILABLE, json);
    }

    private void metrics(HttpExchange exchange) throws IOException {
        say(exchange, AlertIntake.OK, "text/plain; version=0.0.4; charset=utf-8", counters.toText());
    }

    private static ObjectNode json(AlertIntake.Answer answer) {
        ObjectNode json = JSON.createObjectNode();
        answer.asked().forEach(json.putArray("asked")::add);
        json.put("known", answer.known()).put("ignored", answer.ignored());
        var refused = json.putArray("refused");
        answer.refused()
                .forEach(e -> refused.addObject()
                        .put("code", e.code())
                        .put("message", e.getMessage())
                        .put("advice", e.advice()));
        return json;
    }

    private static ObjectNode error(String code, String message) {
        return JSON.createObjectNode().put("code", code).put("message", message);
    }

    private static void say(HttpExchange exchange, int status, ObjectNode json) throws IOException {
        say(exchange, status, "application/json", json + "\n");
    }

    private static void say(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    static String text(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }
}
