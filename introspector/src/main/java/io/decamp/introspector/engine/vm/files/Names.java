package io.decamp.introspector.engine.vm.files;

import io.decamp.introspector.engine.vm.guest.GuestPaths;
import io.decamp.introspector.engine.vm.guest.KernelObject;

/** Names of files, and whether they still are names of them ({@code struct dentry}, include/linux/dcache.h). */
final class Names {
    /** NAME_MAX. */
    private static final int MAX_NAME_BYTES = 255;
    /** Deeper than PATH_MAX allows. */
    private static final int MAX_DEPTH = 2048;

    private final GuestPaths paths;

    Names(GuestPaths paths) {
        this.paths = paths;
    }

    /** @param path a {@code struct path} */
    String path(KernelObject path) {
        return paths.path(path);
    }

    /** The directory that a path lies in. */
    static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash <= 0 ? "/" : path.substring(0, slash);
    }

    /**
     * The last component, which for files without a path says what they are: {@code [io_uring]}, {@code memfd:name}.
     */
    String last(KernelObject path) {
        return path.follow("dentry").text("d_name.name", MAX_NAME_BYTES + 1);
    }

    /** Removed: the path leads nowhere, or to something else. */
    boolean isUnlinked(KernelObject path) {
        return paths.isDeleted(path.follow("dentry"));
    }

    /** Not the file, but a directory above it was removed. */
    boolean isDirectoryUnlinked(KernelObject path) {
        KernelObject dentry = path.follow("dentry");
        for (int i = 0; i < MAX_DEPTH && !isRoot(dentry); i++) {
            dentry = dentry.follow("d_parent");
            if (paths.isDeleted(dentry)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isRoot(KernelObject dentry) {
        return dentry.number("d_parent") == dentry.address();
    }
}
