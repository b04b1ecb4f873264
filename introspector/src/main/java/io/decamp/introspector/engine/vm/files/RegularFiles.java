package io.decamp.introspector.engine.vm.files;

import io.decamp.contracts.criu.FdType;
import io.decamp.contracts.criu.FownEntry;
import io.decamp.contracts.criu.RegFileEntry;
import io.decamp.contracts.v1.RequiredFile;
import io.decamp.contracts.v1.VmFiles;
import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.PidNumbers;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Everything that is opened again by its path (criu/files-reg.c): files, directories, devices without state, names of
 * terminals and FIFOs, executables, working directories. Each is either carried along or listed as required.
 */
final class RegularFiles {
    /** Size that does not matter, in what is required. */
    private static final long ANY_SIZE = -1;

    /** /dev/null, zero, full, random, urandom, kmsg: major of devices that keep nothing for who has them open. */
    private static final int MEM_MAJOR = 1;

    /** /dev/mem and /dev/port are of that major too, and are this very machine. */
    private static final Set<Integer> MACHINE_MINORS = Set.of(1, 4);

    private static final Pattern OF_A_PROCESS = Pattern.compile("/proc/(\\d+|self|thread-self)(/.*)?");
    private static final FownEntry NOBODY = FownEntry.newBuilder()
            .setUid(0)
            .setEuid(0)
            .setSignum(0)
            .setPidType(0)
            .setPid(0)
            .build();

    private final FileTable table;
    private final PidNumbers pids;
    private final Names names;
    private final Contents contents;
    private final Refusals refusals;
    private final OptionalLong internalMount;
    private final Map<String, RequiredFile> required = new LinkedHashMap<>();
    private final Map<String, Inode> requiredInodes = new LinkedHashMap<>();

    RegularFiles(
            GuestKernel kernel, FileTable table, PidNumbers pids, Names names, Contents contents, Refusals refusals) {
        this.table = table;
        this.pids = pids;
        this.names = names;
        this.contents = contents;
        this.refusals = refusals;
        OptionalLong symbol = kernel.findSymbol("shm_mnt");
        this.internalMount = symbol.isPresent() ? OptionalLong.of(kernel.u64(symbol.getAsLong())) : symbol;
    }

    /** A description of its own, with its position. */
    void descriptor(int id, OpenFile file) {
        KernelObject path = file.file().at("f_path");
        if (isSupported(file, path)) {
            add(id, file, path, file.flags(), file.position(), file.owner(pids));
        }
    }

    /** A file without a description that would have to be restored: mapped, executed. */
    void mapped(int id, OpenFile file, int flags) {
        KernelObject path = file.file().at("f_path");
        if (isSupported(file, path)) {
            add(id, file, path, flags, 0, NOBODY);
        }
    }

    /**
     * Only the name of what another entry describes: a terminal, a FIFO.
     *
     * @param needed it must be at the destination; ends of terminals come into being with their masters
     */
    void name(int id, OpenFile file, boolean needed) {
        KernelObject path = file.file().at("f_path");
        if (names.isUnlinked(path)) {
            refusals.refuse(
                    "file-unlinked",
                    file.user() + " was removed: " + names.path(path),
                    "Have the workload close it, or leave this workload where it is");
            return;
        }
        String name = names.path(path);
        if (needed) {
            require(name, file.inode(), ANY_SIZE, file.user());
        }
        entry(id, name, file.flags(), 0, file.owner(pids), file.inode(), false);
    }

    /** A directory that a process works in or takes for its root. */
    void directory(int id, KernelObject path, String user) {
        Inode inode = new Inode(path.follow("dentry").follow("d_inode"));
        String name = names.path(path);
        if (names.isUnlinked(path) || names.isDirectoryUnlinked(path)) {
            refusals.refuse(
                    "file-unlinked",
                    user + " was removed: " + name,
                    "Have the process change to a directory that exists");
            return;
        }
        require(name, inode, ANY_SIZE, user);
        entry(id, name, 0, 0, NOBODY, inode, false);
    }

    /** What must be there for something that is made anew in it. */
    void requireDirectoryOf(String path, String user) {
        required.putIfAbsent(
                Names.parent(path),
                RequiredFile.newBuilder()
                        .setPath(Names.parent(path))
                        .setKind(Inode.S_IFDIR)
                        .setSize(ANY_SIZE)
                        .setUser("directory of " + user)
                        .build());
    }

    private boolean isSupported(OpenFile file, KernelObject path) {
        Inode inode = file.inode();
        if (internalMount.isPresent() && path.number("mnt") == internalMount.getAsLong()) {
            refusals.kind(file, "a file of memory (" + names.last(path) + ")");
            return false;
        }
        String unsupported = FileSystems.unsupported(inode.fileSystem());
        if (unsupported != null) {
            refusals.kind(file, unsupported);
            return false;
        }
        boolean known =
                switch (inode.kind()) {
                    // those of anonymous inodes are none, whatever kind newer kernels give them
                    case Inode.S_IFREG, Inode.S_IFDIR -> inode.fileSystem() != FileSystems.ANONYMOUS_INODES;
                    case Inode.S_IFCHR -> inode.deviceMajor() == MEM_MAJOR
                            && !MACHINE_MINORS.contains(inode.deviceMinor());
                    default -> false;
                };
        if (!known) {
            refusals.kind(file, what(inode, path));
            return false;
        }
        if (inode.fileSystem() == FileSystems.PROC
                && OF_A_PROCESS.matcher(names.path(path)).matches()) {
            refusals.kind(file, names.path(path) + ", which is named by a PID of this VM");
            return false;
        }
        return true;
    }

    private String what(Inode inode, KernelObject path) {
        if (inode.fileSystem() == FileSystems.ANONYMOUS_INODES) {
            return "an " + names.last(path);
        }
        return switch (inode.kind()) {
            case Inode.S_IFCHR -> "the device " + inode.deviceMajor() + ":" + inode.deviceMinor() + " ("
                    + names.path(path) + ")";
            case Inode.S_IFSOCK, Inode.S_IFIFO -> "opened without access (O_PATH): " + names.path(path);
            default -> "a file of type 0" + Integer.toOctalString(inode.kind()) + " (" + names.last(path) + ")";
        };
    }

    private void add(int id, OpenFile file, KernelObject path, int flags, long position, FownEntry owner) {
        Inode inode = file.inode();
        String name = names.path(path);
        if (names.isUnlinked(path) || names.isDirectoryUnlinked(path)) {
            if (!unlinked(id, file, path, name)) {
                return;
            }
        } else if (inode.kind() == Inode.S_IFREG
                && file.isWritable()
                && !FileSystems.isMadeUp(inode.fileSystem())) {
            contents.travels(name, file);
            requireDirectoryOf(name, file.user());
        } else {
            boolean sized = inode.kind() == Inode.S_IFREG && !FileSystems.isMadeUp(inode.fileSystem());
            require(name, inode, sized ? inode.size() : ANY_SIZE, file.user());
        }
        entry(id, name, flags, position, owner, inode, inode.kind() == Inode.S_IFREG && !appends(flags));
    }

    /** @return false if it can't be carried */
    private boolean unlinked(int id, OpenFile file, KernelObject path, String name) {
        if (file.inode().kind() == Inode.S_IFREG && file.inode().links() == 0 && !names.isDirectoryUnlinked(path)) {
            contents.ghost(id, name, file);
            requireDirectoryOf(name, file.user());
            return true;
        }
        refusals.refuse(
                "file-unlinked",
                file.user() + " was removed, and is no file without a name in a directory that exists: " + name,
                "Have the workload close it, or leave this workload where it is");
        return false;
    }

    /** criu checks no size then, as others may write at the end. */
    private static boolean appends(int flags) {
        return (flags & (OpenFile.O_APPEND | OpenFile.O_WRONLY)) == (OpenFile.O_APPEND | OpenFile.O_WRONLY);
    }

    private void entry(
            int id, String name, int flags, long position, FownEntry owner, Inode inode, boolean sized) {
        RegFileEntry.Builder entry = RegFileEntry.newBuilder()
                .setId(id)
                .setFlags(flags)
                .setPos(position)
                .setFown(owner)
                .setName(name)
                .setMode(inode.mode());
        if (sized) {
            entry.setSize(inode.size());
        }
        table.add(table.entry(FdType.REG, id).setReg(entry));
    }

    private void require(String path, Inode inode, long size, String user) {
        requiredInodes.putIfAbsent(path, inode);
        required.putIfAbsent(
                path,
                RequiredFile.newBuilder()
                        .setPath(path)
                        .setKind(inode.kind())
                        .setSize(size)
                        .setUser(user)
                        .build());
    }

    /** What travels is not required, also where another description only reads it. */
    void write(VmFiles.Builder files) {
        required.forEach((path, file) -> {
            Inode inode = requiredInodes.get(path);
            if (inode == null || !contents.isTravelling(inode)) {
                files.addRequired(file);
            }
        });
    }
}
