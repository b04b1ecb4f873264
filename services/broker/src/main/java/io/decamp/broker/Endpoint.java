package io.decamp.broker;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Where a broker listens. {@code port} 0 asks for a free one. */
public record Endpoint(String host, int port) {
    private static final int MAX_PORT = 65_535;

    public Endpoint {
        if (host.isEmpty() || port < 0 || port > MAX_PORT) {
            throw new IllegalArgumentException(
                    "'" + host + ":" + port + "' is no address; expected HOST:PORT with a port up to " + MAX_PORT);
        }
    }

    /** @throws IllegalArgumentException when it is not HOST:PORT; an IPv6 address is written in brackets */
    public static Endpoint parse(String text) {
        int colon = text.lastIndexOf(':');
        try {
            return new Endpoint(text.substring(0, Math.max(colon, 0)), Integer.parseInt(text.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "' is no address; expected HOST:PORT", e);
        }
    }

    public static Endpoint loopback() {
        return new Endpoint("127.0.0.1", 0);
    }

    /**
     * With a port that was free a moment ago. Kafka can't be told to take any: the port is part of what it announces
     * before it listens.
     */
    Endpoint resolved() {
        if (port != 0) {
            return this;
        }
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getByName(host))) {
            return new Endpoint(host, probe.getLocalPort());
        } catch (IOException e) {
            throw new UncheckedIOException("No free port on " + host, e);
        }
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
