package io.decamp.introspector.engine.vm.freeze;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** QEMU's monitor and debugger stub with a run state and nothing behind them. */
final class FakeVm implements AutoCloseable {
    private static final Pattern GDBSERVER = Pattern.compile("gdbserver unix:([^,\"]+),server=on,wait=off");

    final List<String> commands = new CopyOnWriteArrayList<>();
    final List<String> packets = new CopyOnWriteArrayList<>();
    /** What the stub sends for a packet's body, framed; null closes the connection without an answer. */
    volatile UnaryOperator<String> answers = body -> framed(body.equals("?") ? "T05thread:p01.01;" : "OK");

    volatile String state = "running";
    volatile String chardevs = "";
    /** Bytes that came after the answer to D. */
    final List<Integer> afterDetach = new CopyOnWriteArrayList<>();

    private final List<ServerSocketChannel> servers = new ArrayList<>();

    FakeVm(Path monitor) throws IOException {
        serve(monitor, this::speakMonitor);
    }

    private FakeVm() {}

    /** Only a stub, at that path. */
    static FakeVm stub(Path path) throws IOException {
        FakeVm vm = new FakeVm();
        vm.serve(path, vm::speakStub);
        return vm;
    }

    static String framed(String body) {
        return "$" + body + "#" + String.format("%02x", body.chars().sum() & 0xff);
    }

    private interface Speaker {
        void speak(InputStream in, OutputStream out) throws IOException;
    }

    private void serve(Path path, Speaker speaker) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        servers.add(server);
        Thread.ofPlatform().daemon().start(() -> {
            while (server.isOpen()) {
                try {
                    SocketChannel client = server.accept();
                    Thread.ofPlatform().daemon().start(() -> talk(client, speaker));
                } catch (IOException closed) {
                    return;
                }
            }
        });
    }

    private static void talk(SocketChannel client, Speaker speaker) {
        try (client) {
            speaker.speak(Channels.newInputStream(client), Channels.newOutputStream(client));
        } catch (IOException gone) {
            // the other end closed it
        }
    }

    private void speakMonitor(InputStream in, OutputStream out) throws IOException {
        out.write("{\"QMP\": {}}\r\n".getBytes(StandardCharsets.US_ASCII));
        var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            commands.add(line);
            out.write(("{\"return\": " + perform(line) + "}\n").getBytes(StandardCharsets.US_ASCII));
        }
    }

    private String perform(String line) {
        if (line.contains("query-status")) {
            return "{\"status\": \"" + state + "\"}";
        }
        if (line.contains("query-chardev")) {
            return "[" + chardevs + "]";
        }
        if (line.contains("\"cont\"")) {
            state = "running";
        }
        Matcher server = GDBSERVER.matcher(line);
        if (server.find()) {
            try {
                serve(Path.of(server.group(1)), this::speakStub);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return "\"Waiting for gdb connection\"";
        }
        return "{}";
    }

    private void speakStub(InputStream in, OutputStream out) throws IOException {
        state = "paused";
        StringBuilder packet = new StringBuilder();
        boolean detached = false;
        for (int b = in.read(); b >= 0; b = in.read()) {
            if (detached) {
                afterDetach.add(b);
                state = "paused";
            }
            packet.append((char) b);
            if (packet.length() > 3 && packet.charAt(packet.length() - 3) == '#') {
                String body = packet.substring(1, packet.length() - 3);
                packets.add(packet.toString());
                packet.setLength(0);
                String answer = answers.apply(body);
                if (answer == null) {
                    return;
                }
                if (body.equals("D")) {
                    state = "running";
                    detached = true;
                }
                out.write(answer.getBytes(StandardCharsets.ISO_8859_1));
            }
        }
    }

    boolean wasTold(String command) {
        return commands.stream().anyMatch(c -> c.contains("\"" + command + "\""));
    }

    @Override
    public void close() throws IOException {
        for (ServerSocketChannel server : servers) {
            server.close();
        }
    }
}
