package io.decamp.linux.abi;

/** Encoding of ioctl numbers, asm-generic/ioctl.h; the same on x86_64 and arm64. */
public final class Ioctl {
    private static final int SIZE_SHIFT = 16;
    private static final int TYPE_SHIFT = 8;
    private static final int DIRECTION_SHIFT = 30;
    private static final long WRITE = 1;
    private static final long READ = 2;

    private Ioctl() {}

    /** The kernel writes to user memory: {@code _IOR}. */
    public static long read(int type, int number, long sizeBytes) {
        return encode(READ, type, number, sizeBytes);
    }

    /** The kernel reads from user memory: {@code _IOW}. */
    public static long write(int type, int number, long sizeBytes) {
        return encode(WRITE, type, number, sizeBytes);
    }

    /** {@code _IOWR}. */
    public static long readWrite(int type, int number, long sizeBytes) {
        return encode(READ | WRITE, type, number, sizeBytes);
    }

    private static long encode(long direction, int type, int number, long sizeBytes) {
        return direction << DIRECTION_SHIFT | sizeBytes << SIZE_SHIFT | (long) type << TYPE_SHIFT | number;
    }
}
