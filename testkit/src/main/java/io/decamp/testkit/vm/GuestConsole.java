package io.decamp.testkit.vm;

import io.decamp.contracts.error.DecampException;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;

/** The serial line that takes commands; {@code deploy/lab/guest-console.sh} is its other end. Not for several threads at once. */
final class GuestConsole implements AutoCloseable {
    /** A guest that is busy with other things may need so long to say that a command was killed. */
    private static final Duration GRACE = Duration.ofSeconds(30);

    private static final int CHUNK = 1 << 16;
    /** What a command prints is for people and small; files have a channel of their own. */
    private static final int OUTPUT_LIMIT = 16 << 20;

    private final SocketChannel channel;
    private final Selector selector;
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
    private long commands;

    private GuestConsole(SocketChannel channel, Selector selector) {
        this.channel = channel;
        this.selector = selector;
    }

    static GuestConsole connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.configureBlocking(false);
            Selector selector = Selector.open();
            channel.register(selector, SelectionKey.OP_READ);
            return new GuestConsole(channel, selector);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Returns when the guest takes commands. */
    void awaitReady(Duration limit) throws IOException {
        awaitText("READY\n", System.nanoTime() + limit.toNanos());
        seen.reset();
    }

    /** @throws DecampException {@code guest-command-time} when it was killed for its time, {@code guest-silent} */
    GuestResult run(String command, Duration limit) throws IOException {
        String mark = "mark-" + ++commands + "-" + Long.toHexString(System.nanoTime());
        String text = Base64.getEncoder().encodeToString(command.getBytes(StandardCharsets.UTF_8));
        long seconds = Math.max(1, limit.toSeconds());
        long begin = System.nanoTime();
        long deadline = begin + limit.plus(GRACE).toNanos();
        seen.reset();
        write(mark + " " + seconds + " " + text + "\n", deadline);
        String before = awaitText(mark + "\n", deadline);
        int from = before.length();
        String all = awaitText("\n" + mark + " ", deadline);
        String ended = awaitText("\n", deadline, all.length());
        long nanos = System.nanoTime() - begin;
        int status = Integer.parseInt(ended.substring(all.length()).strip());
        String output = all.substring(from, all.length() - mark.length() - 2);
        if (status == 137 && nanos >= Duration.ofSeconds(seconds).toNanos()) {
            throw DecampException.retry(
                    "guest-command-time",
                    "'" + command + "' did not end in " + seconds + " s: " + output,
                    "Is it stuck?",
                    null);
        }
        return new GuestResult(command, output, status, Duration.ofNanos(nanos));
    }

    private void write(String text, long deadline) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        SelectionKey key = channel.keyFor(selector);
        key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        while (bytes.hasRemaining()) {
            if (channel.write(bytes) == 0) {
                await(deadline, "takes no command");
            }
        }
        key.interestOps(SelectionKey.OP_READ);
    }

    private String awaitText(String wanted, long deadline) throws IOException {
        return awaitText(wanted, deadline, 0);
    }

    /** @return all that was seen up to and with the wanted text */
    private String awaitText(String wanted, long deadline, int from) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
        int searched = from;
        while (true) {
            String text = seen.toString(StandardCharsets.ISO_8859_1);
            int at = text.indexOf(wanted, searched);
            if (at >= 0) {
                return text.substring(0, at + wanted.length());
            }
            searched = Math.max(from, text.length() - wanted.length());
            await(deadline, "does not answer; last it said: " + text.substring(Math.max(0, text.length() - 500)));
            chunk.clear();
            int n = channel.read(chunk);
            if (n < 0) {
                throw new EOFException("The guest's serial line is closed");
            }
            seen.write(chunk.array(), 0, n);
            if (seen.size() > OUTPUT_LIMIT) {
                throw DecampException.refused(
                        "guest-output", "A command printed more than " + OUTPUT_LIMIT + " bytes", "Fetch it as a file");
            }
        }
    }

    private void await(long deadline, String what) throws IOException {
        long millis = (deadline - System.nanoTime()) / 1_000_000;
        if (millis <= 0 || Thread.currentThread().isInterrupted()) {
            throw DecampException.retry("guest-silent", "The guest " + what, "Read the guest's kernel log", null);
        }
        selector.select(millis);
        selector.selectedKeys().clear();
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }
}
