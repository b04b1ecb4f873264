package io.decamp.linux.socket;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.abi.SocketAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import io.decamp.linux.libc.SocketCalls;
import io.decamp.linux.libc.SyscallException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** A UNIX socket that waits for connections at a path. */
public final class UnixListener implements AutoCloseable {
    /** Connections come one at a time; this many may queue while one is being served. */
    private static final int BACKLOG = 64;

    private final Path path;
    private final UnixSocket.Type type;
    private final FileDescriptor descriptor;

    private UnixListener(Path path, UnixSocket.Type type, FileDescriptor descriptor) {
        this.path = path;
        this.type = type;
        this.descriptor = descriptor;
    }

    /** @throws SyscallException EADDRINUSE when the path exists: whoever owns it must remove it */
    public static UnixListener bind(Path path, UnixSocket.Type type) {
        FileDescriptor descriptor = FileDescriptor.own(SocketCalls.socket(type.value()), "listener at " + path);
        try {
            SocketCalls.bind(descriptor.number(), path.toString());
            SocketCalls.listen(descriptor.number(), BACKLOG);
            return new UnixListener(path, type, descriptor);
        } catch (RuntimeException e) {
            descriptor.close();
            throw e;
        }
    }

    /** @return empty when nobody came within {@code limit} */
    public Optional<UnixSocket> accept(Duration limit) {
        if (FileCalls.poll(descriptor.number(), FileAbi.POLLIN, (int) limit.toMillis()) == 0) {
            return Optional.empty();
        }
        return Optional.of(accept());
    }

    /** Waits for ever. */
    public UnixSocket accept() {
        int fd = SocketCalls.accept(descriptor.number());
        if (fd < 0) {
            throw new SyscallException("accept4", -fd, path.toString());
        }
        return new UnixSocket(type, FileDescriptor.own(fd, "connection to " + path));
    }

    /** Ends every {@link #accept} that waits (EINVAL there). */
    public void shutdown() {
        SocketCalls.shutdown(descriptor.number(), SocketAbi.SHUT_RDWR);
    }

    public Path path() {
        return path;
    }

    /** Removes the path too. */
    @Override
    public void close() {
        descriptor.close();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
