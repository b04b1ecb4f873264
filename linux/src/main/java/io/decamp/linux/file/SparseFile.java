package io.decamp.linux.file;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A sparse file on tmpfs: holes can be punched, memory reserved ahead of a writer, and what it really takes counted.
 * The descriptor is held until {@link #close}, so the file may be unlinked meanwhile. Thread safe except for closing.
 *
 * <p>Sources: fallocate(2), statx(2), {@code include/uapi/linux/falloc.h}, {@code include/uapi/linux/stat.h}.
 */
public final class SparseFile implements Closeable {
    private static final int FALLOC_FL_KEEP_SIZE = 0x01;
    private static final int FALLOC_FL_PUNCH_HOLE = 0x02;
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BLOCKS = 0x400;
    private static final int STATX_BYTES = 256;
    /** {@code offsetof(struct statx, stx_blocks)}: the same on every architecture. */
    private static final int STX_BLOCKS = 48;

    private static final int BLOCK_BYTES = 512;
    private static final int ENOSPC = 28;
    private static final int EINTR = 4;

    private static final class C {
        static {
            Native.register(C.class, "c");
        }

        static native int open(String path, int flags, int mode) throws LastErrorException;

        static native int close(int fd) throws LastErrorException;

        static native int fallocate(int fd, int mode, long offset, long length) throws LastErrorException;

        static native int statx(int dirFd, String path, int flags, int mask, Memory out) throws LastErrorException;
    }

    /** The file system or its quota has no room: what was asked for is not there. */
    public static final class NoSpaceException extends FileSystemException {
        private static final long serialVersionUID = 1;

        public NoSpaceException(Path file, String what) {
            super(file.toString(), null, what + ": no space left on the file system");
        }
    }

    private final Path path;
    private final FileChannel channel;
    private int fd;

    private SparseFile(Path path, FileChannel channel, int fd) {
        this.path = path;
        this.channel = channel;
        this.fd = fd;
    }

    /**
     * Opens for reading and writing.
     *
     * @param sizeBytes the file is created with this size when it is not there; an existing one keeps its size
     */
    public static SparseFile open(Path path, long sizeBytes) throws IOException {
        if (Files.notExists(path)) {
            // FileChannel can shrink a file but not grow it
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(sizeBytes);
            }
        }
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            return new SparseFile(path, channel, C.open(path.toString(), O_RDWR | O_CLOEXEC, 0));
        } catch (LastErrorException e) {
            channel.close();
            throw new FileSystemException(path.toString(), null, "open: errno " + e.getErrorCode());
        }
    }

    public Path path() {
        return path;
    }

    /** For reading and writing at positions; closed with this file. */
    public FileChannel channel() {
        return channel;
    }

    /** Gives the memory of a range back; it reads as zeros afterwards. */
    public void punchHole(long offset, long lengthBytes) throws IOException {
        fallocate(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, lengthBytes, "punch a hole");
    }

    /**
     * Reserves the memory of a range; what is there already keeps its content, the rest reads as zeros.
     *
     * @throws NoSpaceException when the file system is full; a part of the range may be reserved
     */
    public void reserve(long offset, long lengthBytes) throws IOException {
        fallocate(FALLOC_FL_KEEP_SIZE, offset, lengthBytes, "reserve");
    }

    /** Memory the file takes. */
    public long allocatedBytes() throws IOException {
        try (Memory out = new Memory(STATX_BYTES)) {
            C.statx(fd, "", AT_EMPTY_PATH, STATX_BLOCKS, out);
            return out.getLong(STX_BLOCKS) * BLOCK_BYTES;
        } catch (LastErrorException e) {
            throw new FileSystemException(path.toString(), null, "statx: errno " + e.getErrorCode());
        }
    }

    private void fallocate(int mode, long offset, long lengthBytes, String what) throws IOException {
        while (true) {
            try {
                C.fallocate(fd, mode, offset, lengthBytes);
                return;
            } catch (LastErrorException e) {
                if (e.getErrorCode() == EINTR) {
                    continue;
                }
                String range = what + " at 0x" + Long.toHexString(offset) + " + " + lengthBytes + " bytes";
                throw e.getErrorCode() == ENOSPC
                        ? new NoSpaceException(path, range)
                        : new FileSystemException(path.toString(), null, range + ": errno " + e.getErrorCode());
            }
        }
    }

    @Override
    public synchronized void close() throws IOException {
        if (fd >= 0) {
            C.close(fd);
            fd = -1;
            channel.close();
        }
    }
}
