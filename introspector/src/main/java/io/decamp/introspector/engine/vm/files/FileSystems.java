package io.decamp.introspector.engine.vm.files;

import java.util.Map;

/** File systems by {@code s_magic} (include/uapi/linux/magic.h). */
final class FileSystems {
    static final long TMPFS = 0x01021994;
    static final long RAMFS = 0x858458f6L;
    static final long PROC = 0x9fa0;
    static final long PIPES = 0x50495045;
    static final long ANONYMOUS_INODES = 0x09041934;

    /** Files that the kernel makes up: opened by path again, without a size of their own. */
    private static final Map<Long, String> MADE_UP =
            Map.of(PROC, "proc", 0x62656572L, "sysfs", 0x63677270L, "cgroup2", 0x27e0ebL, "cgroup");

    /** Whose files make no sense in another VM or carry state that no image holds. */
    private static final Map<Long, String> UNSUPPORTED = Map.ofEntries(
            Map.entry(0x6e736673L, "a namespace"),
            Map.entry(0x50494446L, "a pidfd"),
            Map.entry(0x19800202L, "a POSIX message queue"),
            Map.entry(0x958458f6L, "a file of huge pages"),
            Map.entry(0xcafe4a11L, "an object of the BPF file system"),
            Map.entry(0x5345434dL, "secret memory"),
            Map.entry(0x444d4142L, "a DMA buffer"),
            Map.entry(0xa10a10a1L, "a ring of asynchronous I/O"),
            // written, their files have no contents: an empty file would travel
            Map.entry(0x64626720L, "a file of debugfs"),
            Map.entry(0x74726163L, "a file of tracefs"),
            Map.entry(0x73636673L, "a file of securityfs"),
            Map.entry(0x62656570L, "a file of configfs"),
            Map.entry(0xf97cff8cL, "a file of SELinux"),
            Map.entry(0x42494e4dL, "a file of binfmt_misc"),
            Map.entry(0x65735543L, "a file of fusectl"),
            Map.entry(0x6165676cL, "a file of pstore"),
            Map.entry(0xde5e81e4L, "a variable of the firmware"));

    private FileSystems() {}

    /** Page cache is all there is: what is not in it was never written. */
    static boolean livesInMemory(long magic) {
        return magic == TMPFS || magic == RAMFS;
    }

    static boolean isMadeUp(long magic) {
        return MADE_UP.containsKey(magic);
    }

    /** @return what its files are, for messages, or null if they can be carried */
    static String unsupported(long magic) {
        return UNSUPPORTED.get(magic);
    }
}
