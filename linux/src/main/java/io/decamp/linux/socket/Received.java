package io.decamp.linux.socket;

import io.decamp.linux.fd.FileDescriptor;
import java.util.List;

/** A received message. Who takes a descriptor out owns it; {@link #close} closes all that were not disowned. */
public record Received(byte[] bytes, List<FileDescriptor> descriptors) implements AutoCloseable {
    /** The other end has closed the connection. */
    public boolean isEnd() {
        return bytes.length == 0;
    }

    @Override
    public void close() {
        descriptors.forEach(FileDescriptor::close);
    }
}
