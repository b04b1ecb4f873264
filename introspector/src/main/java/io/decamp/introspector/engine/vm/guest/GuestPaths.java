package io.decamp.introspector.engine.vm.guest;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;

/**
 * Names of files as the kernel would print them ({@code d_path}): climbs directory entries and mounts. Names are bytes,
 * kept as ISO 8859-1 while they are climbed and read as UTF-8 at the end. Refuses paths longer than any that the kernel
 * prints. Source: {@code fs/d_path.c}.
 */
public final class GuestPaths {
    /** Directories and mounts on the way up; {@code PATH_MAX} has room for half of it. */
    private static final int MAX_STEPS = 4096;
    /** {@code NAME_MAX} is 255; pseudo file systems name longer. */
    private static final int MAX_NAME = 1024;
    /** {@code PATH_MAX}, and what may come on top with several mounts. */
    private static final int MAX_PATH = 16384;

    private final GuestKernel kernel;

    public GuestPaths(GuestKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * The path up to the root of its mount namespace. A file that was removed has the name it had: see {@link
     * #isDeleted}.
     */
    public String path(KernelObject path) {
        return climb(path, null);
    }

    /**
     * @param root the {@code struct path} of a task's root ({@code fs.root}); the path is told as seen from there
     * @return begins with {@code (unreachable)} when it is outside
     */
    public String path(KernelObject path, KernelObject root) {
        return climb(path, root);
    }

    /** The path of an open file; for what has no name its kind and inode, as {@code /proc/PID/fd} shows it. */
    public String ofFile(KernelObject file) {
        return path(file.at("f_path"));
    }

    /** As seen from a root; see {@link #path(KernelObject, KernelObject)}. */
    public String ofFile(KernelObject file, KernelObject root) {
        return path(file.at("f_path"), root);
    }

    /** Whether the entry's name was removed ({@code d_unlinked}). */
    public boolean isDeleted(KernelObject dentry) {
        return dentry.number("d_hash.pprev") == 0 && dentry.number("d_parent") != dentry.address();
    }

    /** Whether it has a name in a file system at all: pipes, sockets and the like have none. */
    public boolean isNameless(KernelObject dentry) {
        return operation(dentry) != 0;
    }

    private static long operation(KernelObject dentry) {
        return dentry.tryFollow("d_op").map(op -> op.number("d_dname")).orElse(0L);
    }

    private String climb(KernelObject path, KernelObject root) {
        KernelObject dentry = path.follow("dentry");
        KernelObject mount = path.follow("mnt").container("mount", "mnt");
        long operation = operation(dentry);
        boolean atRoot = dentry.number("d_parent") == dentry.address();
        if (operation != 0 && (!atRoot || dentry.address() != mount.number("mnt.mnt_root"))) {
            return nameless(dentry, operation);
        }
        Climb climb = new Climb(root);
        return climb.up(dentry, mount);
    }

    /** {@code simple_dname} and its kin, told apart by the function. */
    private String nameless(KernelObject dentry, long operation) {
        String name = name(dentry);
        long inode = dentry.follow("d_inode").number("i_ino");
        String shown;
        if (isSymbol("pipefs_dname", operation)) {
            shown = "pipe:[" + Long.toUnsignedString(inode) + "]";
        } else if (isSymbol("sockfs_dname", operation)) {
            shown = "socket:[" + Long.toUnsignedString(inode) + "]";
        } else if (isSymbol("anon_inodefs_dname", operation)) {
            shown = "anon_inode:" + name;
        } else if (isSymbol("ns_dname", operation)) {
            KernelObject common = kernel.object("ns_common", dentry.follow("d_inode").number("i_private"));
            shown = common.follow("ops").text("name", MAX_NAME) + ":[" + Long.toUnsignedString(inode) + "]";
        } else {
            shown = "/" + name + " (deleted)";
        }
        return utf8(shown);
    }

    private boolean isSymbol(String name, long address) {
        OptionalLong symbol = kernel.findSymbol(name);
        return symbol.isPresent() && symbol.getAsLong() == address;
    }

    /** The last part of a name. */
    private String name(KernelObject dentry) {
        long length = dentry.number("d_name.len");
        if (length > MAX_NAME) {
            throw GuestFault.bound("A file's name has " + length + " bytes");
        }
        byte[] name = kernel.bytes(dentry.number("d_name.name"), (int) length);
        return new String(name, StandardCharsets.ISO_8859_1);
    }

    private static String utf8(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private final class Climb {
        private final long rootDentry;
        private final long rootMount;
        private final Deque<String> names = new ArrayDeque<>();
        private int length;

        Climb(KernelObject root) {
            rootDentry = root == null ? 0 : root.number("dentry");
            rootMount = root == null ? 0 : root.number("mnt");
        }

        String up(KernelObject fromDentry, KernelObject fromMount) {
            KernelObject dentry = fromDentry;
            KernelObject mount = fromMount;
            for (int i = 0; i < MAX_STEPS; i++) {
                if (dentry.address() == rootDentry && mount.addressOf("mnt") == rootMount) {
                    return joined("");
                }
                if (dentry.address() == mount.number("mnt.mnt_root")) {
                    KernelObject parent = mount.follow("mnt_parent");
                    if (parent.address() == mount.address()) {
                        return joined(rootDentry == 0 ? "" : "(unreachable)");
                    }
                    dentry = mount.follow("mnt_mountpoint");
                    mount = parent;
                } else {
                    KernelObject parent = dentry.follow("d_parent");
                    if (parent.address() == dentry.address()) {
                        // a file system that was never mounted, or was unmounted lazily
                        return joined("(unreachable)");
                    }
                    add(name(dentry));
                    dentry = parent;
                }
            }
            throw GuestFault.bound("A file's path has more than " + MAX_STEPS + " directories");
        }

        private void add(String name) {
            length += name.length() + 1;
            if (length > MAX_PATH) {
                throw GuestFault.bound("A file's path is longer than " + MAX_PATH + " bytes");
            }
            names.push(name);
        }

        private String joined(String prefix) {
            return utf8(prefix + "/" + String.join("/", names));
        }
    }
}
