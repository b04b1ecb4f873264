package io.decamp.testkit;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * One connection to a Redis server, in its own protocol (RESP2). An answer that did not come in time may be waited for again:
 * nothing of it is lost. For one thread.
 */
final class Resp implements AutoCloseable {
    private static final int CONNECT_LIMIT_MILLIS = 250;
    private static final byte[] LINE_END = {'\r', '\n'};

    private final Socket socket = new Socket();
    private final OutputStream out;
    private final InputStream in;
    private final ByteArrayOutputStream request = new ByteArrayOutputStream();
    private byte[] buffer = new byte[64 * 1024];
    private int begin;
    private int end;

    Resp(int port) throws IOException {
        try {
            socket.setTcpNoDelay(true);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_LIMIT_MILLIS);
            out = socket.getOutputStream();
            in = socket.getInputStream();
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** How long {@link #receive} waits before it throws SocketTimeoutException. */
    void timeout(int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    /** Puts a command into the buffer that {@link #flush} sends. */
    void add(byte[]... words) {
        line("*" + words.length);
        for (byte[] word : words) {
            line("$" + word.length);
            request.writeBytes(word);
            request.writeBytes(LINE_END);
        }
    }

    void flush() throws IOException {
        byte[] bytes = request.toByteArray();
        request.reset();
        out.write(bytes);
    }

    /** Sends one command and waits for its answer. */
    byte[] call(byte[]... words) throws IOException {
        add(words);
        flush();
        return receive();
    }

    byte[] call(String... words) throws IOException {
        byte[][] bytes = new byte[words.length][];
        for (int i = 0; i < words.length; i++) {
            bytes[i] = words[i].getBytes(StandardCharsets.UTF_8);
        }
        return call(bytes);
    }

    /**
     * One answer: a status, a number as text, or a bulk string; null for a nil.
     *
     * @throws IOException also for an error answer, which does not break the connection
     */
    byte[] receive() throws IOException {
        int lineEnd = findLineEnd();
        char kind = (char) buffer[begin];
        String head = new String(buffer, begin + 1, lineEnd - begin - 1, StandardCharsets.UTF_8);
        int afterHead = lineEnd + LINE_END.length;
        switch (kind) {
            case '+', ':' -> {
                begin = afterHead;
                return head.getBytes(StandardCharsets.UTF_8);
            }
            case '-' -> {
                begin = afterHead;
                throw new IOException("Redis answers " + head);
            }
            case '$' -> {
                int length = Integer.parseInt(head);
                if (length < 0) {
                    begin = afterHead;
                    return null;
                }
                int headLength = afterHead - begin;
                while (end - begin < headLength + length + LINE_END.length) {
                    fill(headLength + length + LINE_END.length);
                }
                byte[] value = new byte[length];
                System.arraycopy(buffer, begin + headLength, value, 0, length);
                begin += headLength + length + LINE_END.length;
                return value;
            }
            default -> throw new IOException("Not an answer of Redis: " + kind + head);
        }
    }

    private int findLineEnd() throws IOException {
        for (int offset = 0; ; ) {
            while (begin + offset + 1 < end) {
                if (buffer[begin + offset] == '\r' && buffer[begin + offset + 1] == '\n') {
                    return begin + offset;
                }
                offset++;
            }
            fill(offset + LINE_END.length);
        }
    }

    /** Reads on, into a buffer that can hold an answer of {@code wanted} bytes. */
    private void fill(int wanted) throws IOException {
        if (begin + wanted > buffer.length) {
            byte[] target = wanted > buffer.length ? new byte[wanted * 2] : buffer;
            System.arraycopy(buffer, begin, target, 0, end - begin);
            buffer = target;
            end -= begin;
            begin = 0;
        }
        int n = in.read(buffer, end, buffer.length - end);
        if (n < 0) {
            throw new EOFException("Redis closed the connection");
        }
        end += n;
    }

    private void line(String text) {
        request.writeBytes(text.getBytes(StandardCharsets.UTF_8));
        request.writeBytes(LINE_END);
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException alreadyBroken) {
            // closing is all that was wanted
        }
    }
}
