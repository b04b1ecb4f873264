package io.decamp.introspector.engine.vm.freeze;

import io.decamp.contracts.error.DecampException;
import io.decamp.linux.libc.SyscallException;
import io.decamp.linux.socket.UnixSocket;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/**
 * As much of GDB's remote protocol as QEMU needs to write a device's register from outside (gdbstub.c of QEMU; GDB
 * manual, appendix E). QEMU pauses the VM when this connects and runs it on {@link #resume}. Packets are not
 * acknowledged: QEMU does not wait for it, and a single byte too many after {@link #resume} would pause the VM again.
 * One thread at a time. A connection that ends without {@link #resume} leaves the VM paused: {@link VmPauses} sees to
 * that.
 */
final class GdbStub implements AutoCloseable {
    /** Answers come in under a millisecond; a host under full load has been seen to take a second. */
    static final Duration LIMIT = Duration.ofSeconds(10);

    /** QEMU's own limit (MAX_PACKET_LENGTH). */
    private static final int PACKET_LIMIT_BYTES = 4096;

    private final Path path;
    private final UnixSocket socket;
    private final long deadline;
    private byte[] buffer = new byte[0];
    private int at;

    private GdbStub(Path path, UnixSocket socket, long deadline) {
        this.path = path;
        this.socket = socket;
        this.deadline = deadline;
    }

    /**
     * Pauses the VM.
     *
     * @param limit for the whole connection
     * @throws DecampException {@code vm-gdbstub-failed}; the VM may be paused
     */
    static GdbStub pause(Path path, Duration limit) {
        UnixSocket socket;
        try {
            socket = UnixSocket.connect(path, UnixSocket.Type.STREAM);
        } catch (SyscallException e) {
            throw failed(path, "nothing listens", e);
        }
        GdbStub stub = new GdbStub(path, socket, System.nanoTime() + limit.toNanos());
        try {
            String reason = stub.exchange("?");
            if (!isStopReply(reason)) {
                throw failed(path, "asked why it stopped it answered '" + reason + "'", null);
            }
            return stub;
        } catch (RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /** A 32 bit store to a physical address, as a device would make it: it reaches the interrupt controllers. */
    void writePhysical(long address, int value) {
        require("Qqemu.PhyMemMode:1");
        StringBuilder packet = new StringBuilder("M" + Long.toHexString(address) + ",4:");
        for (int i = 0; i < 4; i++) {
            packet.append(String.format("%02x", value >>> 8 * i & 0xff));
        }
        require(packet.toString());
        require("Qqemu.PhyMemMode:0");
    }

    /** The VM runs on. */
    void resume() {
        require("D");
    }

    private void require(String packet) {
        send(packet);
        String answer = receive();
        while (isStopReply(answer)) {
            answer = receive();
        }
        if (!answer.equals("OK")) {
            throw failed(path, "it answered " + packet + " with '" + answer + "'", null);
        }
    }

    private String exchange(String packet) {
        send(packet);
        return receive();
    }

    /** QEMU sends one unasked whenever the VM stops. */
    private static boolean isStopReply(String packet) {
        return packet.startsWith("T") || packet.startsWith("S");
    }

    private void send(String packet) {
        write(("$" + packet + "#" + checksum(packet.getBytes(StandardCharsets.ISO_8859_1)))
                .getBytes(StandardCharsets.ISO_8859_1));
    }

    private void write(byte[] bytes) {
        try {
            socket.send(bytes);
        } catch (SyscallException e) {
            throw failed(path, "the connection broke", e);
        }
    }

    private String receive() {
        byte first = next();
        while (first != '$') {
            if (first == '-') {
                throw failed(path, "it did not understand a packet", null);
            }
            first = next();
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (byte b = next(); b != '#'; b = next()) {
            if (body.size() == PACKET_LIMIT_BYTES) {
                throw failed(path, "it sent a packet longer than " + PACKET_LIMIT_BYTES + " bytes", null);
            }
            body.write(b);
        }
        String sum = "" + (char) next() + (char) next();
        if (!sum.equalsIgnoreCase(checksum(body.toByteArray()))) {
            throw failed(path, "a packet came damaged", null);
        }
        return body.toString(StandardCharsets.ISO_8859_1);
    }

    private byte next() {
        if (at == buffer.length) {
            buffer = fill();
            at = 0;
        }
        return buffer[at++];
    }

    private byte[] fill() {
        long left = deadline - System.nanoTime();
        try {
            if (left <= 0 || !socket.awaitReadable(Duration.ofNanos(left).plusMillis(1))) {
                throw failed(path, "no answer came in time", null);
            }
            byte[] bytes = socket.receive(PACKET_LIMIT_BYTES).bytes();
            if (bytes.length == 0) {
                throw failed(path, "QEMU closed the connection", null);
            }
            return bytes;
        } catch (SyscallException e) {
            throw failed(path, "the connection broke", e);
        }
    }

    private static String checksum(byte[] body) {
        int sum = 0;
        for (byte b : body) {
            sum += b;
        }
        return String.format("%02x", sum & 0xff);
    }

    private static DecampException failed(Path path, String what, Throwable cause) {
        return DecampException.abort(
                "vm-gdbstub-failed",
                "QEMU's debugger stub at " + path + " can't be used: " + what,
                "Has QEMU ended, or does a debugger hold the stub?",
                cause);
    }

    @Override
    public void close() {
        socket.close();
    }
}
