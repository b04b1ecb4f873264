package io.decamp.linux.mem;

import io.decamp.linux.abi.FileAbi;
import io.decamp.linux.fd.FileDescriptor;
import io.decamp.linux.libc.FileCalls;
import java.nio.file.Path;

/** A file in memory (tmpfs or memfd), sparse and perhaps huge. Thread safe. */
public final class SharedFile implements AutoCloseable {
    private static final int OWNER_ONLY = 0600;

    private final FileDescriptor descriptor;

    private SharedFile(FileDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** Makes (or opens) a file for its owner only and gives it that size, all of it a hole where it is new. */
    public static SharedFile create(Path path, long bytes) {
        FileDescriptor fd = FileDescriptor.open(path.toString(), FileAbi.O_RDWR | FileAbi.O_CREAT, OWNER_ONLY);
        return sized(fd, bytes);
    }

    public static SharedFile open(Path path) {
        return new SharedFile(FileDescriptor.open(path.toString(), FileAbi.O_RDWR, 0));
    }

    /** A file without a path: it lives as long as somebody has a descriptor or mapping of it. */
    public static SharedFile anonymous(String name, long bytes) {
        return sized(FileDescriptor.own(FileCalls.memfd(name), "memfd " + name), bytes);
    }

    private static SharedFile sized(FileDescriptor descriptor, long bytes) {
        try {
            FileCalls.truncate(descriptor.number(), bytes);
            return new SharedFile(descriptor);
        } catch (RuntimeException e) {
            descriptor.close();
            throw e;
        }
    }

    public FileDescriptor descriptor() {
        return descriptor;
    }

    public MappedWindow map(long offset, long bytes) {
        return MappedWindow.readWrite(descriptor, offset, bytes);
    }

    public MappedWindow mapReadOnly(long offset, long bytes) {
        return MappedWindow.readOnly(descriptor, offset, bytes);
    }

    /** The range reads as zeros and takes no memory any more. */
    public void punchHole(long offset, long bytes) {
        FileCalls.punchHole(descriptor.number(), offset, bytes);
    }

    /** Takes memory for a range now. @throws io.decamp.linux.libc.SyscallException ENOSPC when there is none */
    public void allocate(long offset, long bytes) {
        FileCalls.allocate(descriptor.number(), offset, bytes);
    }

    public void resize(long bytes) {
        FileCalls.truncate(descriptor.number(), bytes);
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
