package io.decamp.linux.qemu;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/** Listens where QEMU would, greets one client and answers each line as it is told to. */
final class FakeQemu implements AutoCloseable {
    private final ServerSocketChannel server;
    private final List<String> received = new CopyOnWriteArrayList<>();

    /** @param answers what to send for a line, without the newline; null closes the connection */
    FakeQemu(Path path, String greeting, Function<String, String> answers) throws IOException {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        Thread.ofVirtual().start(() -> serve(greeting, answers));
    }

    private void serve(String greeting, Function<String, String> answers) {
        try (SocketChannel client = server.accept()) {
            var lines = new BufferedReader(
                    new InputStreamReader(Channels.newInputStream(client), StandardCharsets.ISO_8859_1));
            var out = Channels.newOutputStream(client);
            out.write(greeting.getBytes(StandardCharsets.ISO_8859_1));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                received.add(line);
                String answer = answers.apply(line);
                if (answer == null) {
                    return;
                }
                out.write((answer + "\n").getBytes(StandardCharsets.ISO_8859_1));
            }
        } catch (IOException e) {
            if (server.isOpen()) {
                throw new UncheckedIOException(e);
            }
        }
    }

    List<String> received() {
        return received;
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
