package io.decamp.linux.abi;

import static io.decamp.linux.abi.Struct.offset;
import static io.decamp.linux.abi.Struct.u16;
import static io.decamp.linux.abi.Struct.u32;
import static io.decamp.linux.abi.Struct.u64;
import static io.decamp.linux.abi.Struct.u8;

import java.lang.foreign.StructLayout;
import java.util.List;

/** linux/userfaultfd.h. */
public final class UffdAbi {
    public static final long UFFD_API = 0xAA;
    public static final long UFFD_USER_MODE_ONLY = 1;

    public static final long UFFD_FEATURE_PAGEFAULT_FLAG_WP = 1 << 0;
    public static final long UFFD_FEATURE_EVENT_FORK = 1 << 1;
    public static final long UFFD_FEATURE_EVENT_REMAP = 1 << 2;
    public static final long UFFD_FEATURE_EVENT_REMOVE = 1 << 3;
    public static final long UFFD_FEATURE_MISSING_HUGETLBFS = 1 << 4;
    public static final long UFFD_FEATURE_MISSING_SHMEM = 1 << 5;
    public static final long UFFD_FEATURE_EVENT_UNMAP = 1 << 6;
    public static final long UFFD_FEATURE_SIGBUS = 1 << 7;
    public static final long UFFD_FEATURE_THREAD_ID = 1 << 8;
    public static final long UFFD_FEATURE_WP_HUGETLBFS_SHMEM = 1 << 12;
    public static final long UFFD_FEATURE_WP_UNPOPULATED = 1 << 13;
    public static final long UFFD_FEATURE_WP_ASYNC = 1 << 15;

    public static final long UFFDIO_REGISTER_MODE_MISSING = 1 << 0;
    public static final long UFFDIO_REGISTER_MODE_WP = 1 << 1;
    public static final long UFFDIO_WRITEPROTECT_MODE_WP = 1 << 0;
    public static final long UFFDIO_WRITEPROTECT_MODE_DONTWAKE = 1 << 1;
    public static final long UFFDIO_COPY_MODE_DONTWAKE = 1 << 0;
    public static final long UFFDIO_COPY_MODE_WP = 1 << 1;

    public static final long UFFD_PAGEFAULT_FLAG_WRITE = 1 << 0;
    public static final long UFFD_PAGEFAULT_FLAG_WP = 1 << 1;

    public static final long UFFD_EVENT_PAGEFAULT = 0x12;
    public static final long UFFD_EVENT_FORK = 0x13;
    public static final long UFFD_EVENT_REMAP = 0x14;
    public static final long UFFD_EVENT_REMOVE = 0x15;
    public static final long UFFD_EVENT_UNMAP = 0x16;

    static final StructLayout uffdio_api = Struct.of("uffdio_api", u64("api"), u64("features"), u64("ioctls"));
    static final StructLayout uffdio_range = Struct.of("uffdio_range", u64("start"), u64("len"));
    static final StructLayout uffdio_register =
            Struct.of("uffdio_register", u64("range.start"), u64("range.len"), u64("mode"), u64("ioctls"));
    static final StructLayout uffdio_copy =
            Struct.of("uffdio_copy", u64("dst"), u64("src"), u64("len"), u64("mode"), u64("copy"));
    static final StructLayout uffdio_zeropage =
            Struct.of("uffdio_zeropage", u64("range.start"), u64("range.len"), u64("mode"), u64("zeropage"));
    static final StructLayout uffdio_writeprotect =
            Struct.of("uffdio_writeprotect", u64("range.start"), u64("range.len"), u64("mode"));
    static final StructLayout uffd_msg_pagefault = Struct.of(
            "uffd_msg",
            u8("event"),
            u8("reserved1"),
            u16("reserved2"),
            u32("reserved3"),
            u64("arg.pagefault.flags"),
            u64("arg.pagefault.address"),
            u64("arg.pagefault.feat"));
    static final StructLayout uffd_msg_remap = Struct.of(
            "uffd_msg",
            u8("event"),
            u8("reserved1"),
            u16("reserved2"),
            u32("reserved3"),
            u64("arg.remap.from"),
            u64("arg.remap.to"),
            u64("arg.remap.len"));
    static final StructLayout uffd_msg_remove = Struct.of(
            "uffd_msg",
            u8("event"),
            u8("reserved1"),
            u16("reserved2"),
            u32("reserved3"),
            u64("arg.remove.start"),
            u64("arg.remove.end"),
            u64("arg.reserved.reserved3"));
    static final StructLayout uffd_msg_fork = Struct.of(
            "uffd_msg",
            u8("event"),
            u8("reserved1"),
            u16("reserved2"),
            u32("reserved3"),
            u32("arg.fork.ufd"),
            Struct.u32("").withoutName(),
            u64("arg.reserved.reserved2"),
            u64("arg.reserved.reserved3"));

    static final List<StructLayout> LAYOUTS = List.of(
            uffdio_api,
            uffdio_range,
            uffdio_register,
            uffdio_copy,
            uffdio_zeropage,
            uffdio_writeprotect,
            uffd_msg_pagefault,
            uffd_msg_remap,
            uffd_msg_remove,
            uffd_msg_fork);

    private static final int TYPE = 0xAA;
    public static final long UFFDIO_API = Ioctl.readWrite(TYPE, 0x3F, uffdio_api.byteSize());
    public static final long UFFDIO_REGISTER = Ioctl.readWrite(TYPE, 0x00, uffdio_register.byteSize());
    public static final long UFFDIO_UNREGISTER = Ioctl.read(TYPE, 0x01, uffdio_range.byteSize());
    public static final long UFFDIO_WAKE = Ioctl.read(TYPE, 0x02, uffdio_range.byteSize());
    public static final long UFFDIO_COPY = Ioctl.readWrite(TYPE, 0x03, uffdio_copy.byteSize());
    public static final long UFFDIO_ZEROPAGE = Ioctl.readWrite(TYPE, 0x04, uffdio_zeropage.byteSize());
    public static final long UFFDIO_WRITEPROTECT = Ioctl.readWrite(TYPE, 0x06, uffdio_writeprotect.byteSize());

    /** Bytes of one event on a userfaultfd. */
    public static final int MESSAGE_BYTES = (int) uffd_msg_pagefault.byteSize();

    public static final long MESSAGE_EVENT = offset(uffd_msg_pagefault, "event");
    public static final long PAGEFAULT_FLAGS = offset(uffd_msg_pagefault, "arg.pagefault.flags");
    public static final long PAGEFAULT_ADDRESS = offset(uffd_msg_pagefault, "arg.pagefault.address");
    public static final long FORK_UFD = offset(uffd_msg_fork, "arg.fork.ufd");
    public static final long REMAP_FROM = offset(uffd_msg_remap, "arg.remap.from");
    public static final long REMAP_TO = offset(uffd_msg_remap, "arg.remap.to");
    public static final long REMAP_LEN = offset(uffd_msg_remap, "arg.remap.len");
    public static final long REMOVE_START = offset(uffd_msg_remove, "arg.remove.start");
    public static final long REMOVE_END = offset(uffd_msg_remove, "arg.remove.end");

    /** Room for the argument of any ioctl of this header. */
    public static final long ARGUMENT_BYTES = uffdio_copy.byteSize();

    public static final long API_API = offset(uffdio_api, "api");
    public static final long API_FEATURES = offset(uffdio_api, "features");
    public static final long RANGE_START = offset(uffdio_range, "start");
    public static final long RANGE_LEN = offset(uffdio_range, "len");
    public static final long REGISTER_MODE = offset(uffdio_register, "mode");
    public static final long WRITEPROTECT_MODE = offset(uffdio_writeprotect, "mode");
    public static final long COPY_DST = offset(uffdio_copy, "dst");
    public static final long COPY_SRC = offset(uffdio_copy, "src");
    public static final long COPY_LEN = offset(uffdio_copy, "len");
    public static final long COPY_MODE = offset(uffdio_copy, "mode");
    public static final long COPY_COPY = offset(uffdio_copy, "copy");
    public static final long ZEROPAGE_MODE = offset(uffdio_zeropage, "mode");
    public static final long ZEROPAGE_ZEROPAGE = offset(uffdio_zeropage, "zeropage");

    private UffdAbi() {}
}
