package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.KernelObject;

/** A {@code struct inode} (include/linux/fs.h): what stat(2) says of it. */
record Inode(KernelObject object) {
    static final int S_IFMT = 0170000;
    static final int S_IFSOCK = 0140000;
    static final int S_IFREG = 0100000;
    static final int S_IFDIR = 0040000;
    static final int S_IFCHR = 0020000;
    static final int S_IFIFO = 0010000;

    private static final int MINOR_BITS = 20;
    private static final int MINOR_MASK = (1 << MINOR_BITS) - 1;
    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final long NANOS_PER_MICRO = 1_000;

    long address() {
        return object.address();
    }

    int mode() {
        return (int) object.number("i_mode") & 0xffff;
    }

    int kind() {
        return mode() & S_IFMT;
    }

    int uid() {
        return (int) object.number("i_uid.val");
    }

    int gid() {
        return (int) object.number("i_gid.val");
    }

    long size() {
        return object.number("i_size");
    }

    long number() {
        return object.number("i_ino");
    }

    int links() {
        return (int) object.number("i_nlink");
    }

    long fileSystem() {
        return object.follow("i_sb").number("s_magic");
    }

    int deviceMajor() {
        return (int) (object.number("i_rdev") >>> MINOR_BITS);
    }

    int deviceMinor() {
        return (int) object.number("i_rdev") & MINOR_MASK;
    }

    /** {@code st_rdev} as user space sees it. */
    int device() {
        return encoded(object.number("i_rdev"));
    }

    /** {@code st_dev} as user space sees it. */
    int fileSystemDevice() {
        return encoded(object.follow("i_sb").number("s_dev"));
    }

    /** new_encode_dev of include/linux/kdev_t.h. */
    static int encoded(long device) {
        int major = (int) (device >>> MINOR_BITS);
        int minor = (int) device & MINOR_MASK;
        return minor & 0xff | major << 8 | (minor & ~0xff) << 12;
    }

    long accessMicros() {
        return micros("atime");
    }

    long modificationMicros() {
        return micros("mtime");
    }

    /** The members were renamed twice: i_mtime, __i_mtime, and apart since 6.11. */
    private long micros(String which) {
        for (String prefix : new String[] {"i_", "__i_"}) {
            if (object.has(prefix + which + ".tv_sec")) {
                return micros(object.number(prefix + which + ".tv_sec"), object.number(prefix + which + ".tv_nsec"));
            }
        }
        return micros(object.number("i_" + which + "_sec"), object.number("i_" + which + "_nsec"));
    }

    private static long micros(long seconds, long nanos) {
        return seconds * MICROS_PER_SECOND + nanos / NANOS_PER_MICRO;
    }
}
